#include "storage/sqlite/sqlite_cache_store.h"

#include "storage/sqlite/connection.h"

namespace imagined::storage {

Result<std::optional<std::string>> SqliteCacheStore::find(std::string_view team_id,
                                                          std::string_view key) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row = TRY(connection.prepare(
      "SELECT job_id FROM cache_entries WHERE team_id = ? AND key = ? AND expires_ms > ?"));
  if (!TRY(row.bind(team_id, key, clock_.unix_ms()).step())) return std::optional<std::string>();
  return std::optional(row.text(0));
}

Result<void> SqliteCacheStore::put(const service::CacheEntry& entry) {
  Connection& connection = database_.crash_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  Statement insert = TRY(
      connection.prepare("INSERT OR REPLACE INTO cache_entries (team_id, key, job_id, expires_ms) "
                         "VALUES (?, ?, ?, ?)"));
  TRY(insert.bind(entry.team_id, entry.key, entry.job_id, entry.expires_ms).run());
  Statement cut = TRY(connection.prepare(
      "DELETE FROM cache_entries WHERE (team_id, key) IN (SELECT team_id, key FROM cache_entries "
      "ORDER BY expires_ms LIMIT max(0, (SELECT count(*) FROM cache_entries) - ?))"));
  TRY(cut.bind(entries_max_).run());
  return transaction.commit();
}

Result<void> SqliteCacheStore::remove(std::string_view team_id, std::string_view key,
                                      std::string_view job_id) {
  Connection& connection = database_.crash_safe();
  const auto lock = connection.lock();
  Statement statement = TRY(
      connection.prepare("DELETE FROM cache_entries WHERE team_id = ? AND key = ? AND job_id = ?"));
  return statement.bind(team_id, key, job_id).run();
}

Result<int> SqliteCacheStore::remove_expired(int count_max) {
  Connection& connection = database_.crash_safe();
  const auto lock = connection.lock();
  Statement statement = TRY(connection.prepare(
      "DELETE FROM cache_entries WHERE (team_id, key) IN (SELECT team_id, key FROM cache_entries "
      "WHERE expires_ms <= ? ORDER BY expires_ms LIMIT ?)"));
  TRY(statement.bind(clock_.unix_ms(), count_max).run());
  return static_cast<int>(connection.changed_count());
}

}  // namespace imagined::storage
