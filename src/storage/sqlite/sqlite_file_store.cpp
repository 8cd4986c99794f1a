#include "storage/sqlite/sqlite_file_store.h"

#include <fmt/core.h>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_rows.h"

namespace imagined::storage {
namespace {

using service::StoredFile;

constexpr std::string_view kColumns =
    "id, org_id, team_id, key_id, name, blob, size_bytes, created_ms, expires_ms, public_name, "
    "public_until_ms";

StoredFile read_file(const Statement& row) {
  return {.id = row.text(0),
          .owner = {.org_id = row.text(1), .team_id = row.text(2), .key_id = row.text(3)},
          .name = row.text(4),
          .blob = row.text(5),
          .size_bytes = row.integer(6),
          .created_ms = row.integer(7),
          .expires_ms = row.integer(8),
          .public_name = row.text(9),
          .public_until_ms = row.integer(10)};
}

}  // namespace

Result<void> SqliteFileStore::insert(const StoredFile& file, std::int64_t files_max) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  Statement insert = TRY(connection.prepare(
      fmt::format("INSERT INTO files ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", kColumns)));
  TRY(insert
          .bind(file.id, file.owner.org_id, file.owner.team_id, file.owner.key_id, file.name,
                file.blob, file.size_bytes, file.created_ms, file.expires_ms, file.public_name,
                file.public_until_ms)
          .run());
  {
    Statement count =
        TRY(connection.prepare("SELECT count(*) FROM files WHERE org_id = ? AND team_id = ?"));
    TRY(count.bind(file.owner.org_id, file.owner.team_id).step());
    TRY(service::check_file_count(count.integer(0) - 1, files_max));
  }
  return transaction.commit();
}

Result<StoredFile> SqliteFileStore::find(std::string_view id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row =
      TRY(connection.prepare(fmt::format("SELECT {} FROM files WHERE id = ?", kColumns)));
  if (!TRY(row.bind(id).step())) return no_such("file");
  return read_file(row);
}

Result<std::vector<StoredFile>> SqliteFileStore::list(const service::FileQuery& query) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(connection.prepare(
      fmt::format("SELECT {} FROM files WHERE org_id = ? AND team_id = ? AND (? = '' OR id {} ?) "
                  "AND (expires_ms = 0 OR expires_ms > ?) ORDER BY id {} LIMIT ?",
                  kColumns, query.newest_first ? "<" : ">", query.newest_first ? "DESC" : "ASC")));
  rows.bind(query.org_id, query.team_id, query.after, query.after, query.unix_ms, query.count_max);
  std::vector<StoredFile> files;
  while (TRY(rows.step())) files.push_back(read_file(rows));
  return files;
}

Result<bool> SqliteFileStore::publish(std::string_view id, std::string_view public_name,
                                      std::int64_t until_ms) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Statement statement =
      TRY(connection.prepare("UPDATE files SET public_name = ?, public_until_ms = ? WHERE id = ?"));
  TRY(statement.bind(public_name, until_ms, id).run());
  return connection.changed_count() > 0;
}

Result<StoredFile> SqliteFileStore::find_public(std::string_view public_name) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row = TRY(connection.prepare(
      fmt::format("SELECT {} FROM files WHERE public_name = ? AND public_name <> ''", kColumns)));
  if (!TRY(row.bind(public_name).step())) return no_such("file");
  return read_file(row);
}

Result<bool> SqliteFileStore::remove(std::string_view id) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Statement statement = TRY(connection.prepare("DELETE FROM files WHERE id = ?"));
  TRY(statement.bind(id).run());
  return connection.changed_count() > 0;
}

/// Not synced: what a loss of power brings back is removed again.
Result<int> SqliteFileStore::remove_expired(std::int64_t unix_ms, int count_max) {
  Connection& connection = database_.crash_safe();
  const auto lock = connection.lock();
  Statement statement =
      TRY(connection.prepare("DELETE FROM files WHERE id IN (SELECT id FROM files "
                             "WHERE expires_ms > 0 AND expires_ms <= ? LIMIT ?)"));
  TRY(statement.bind(unix_ms, count_max).run());
  return static_cast<int>(connection.changed_count());
}

}  // namespace imagined::storage
