#include "storage/sqlite/sqlite_key_store.h"

#include <fmt/format.h>

#include "storage/sqlite/connection.h"

namespace imagined::storage {
namespace {

constexpr std::string_view kKeyColumns =
    "id, name, hash, last4, created_ms, last_used_ms, disabled, org_id, team_id, scopes";

service::ApiKey read_key(const Statement& row) {
  return {.id = row.text(0),
          .name = row.text(1),
          .hash = row.text(2),
          .last4 = row.text(3),
          .created_ms = row.integer(4),
          .last_used_ms = row.integer(5),
          .disabled = row.integer(6) != 0,
          .org_id = row.text(7),
          .team_id = row.text(8),
          .scopes = service::ScopeSet::parse(row.text(9))};
}

}  // namespace

Result<void> SqliteKeyStore::insert(const service::ApiKey& key) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  Statement insert = TRY(connection.prepare(
      fmt::format("INSERT INTO api_keys ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", kKeyColumns)));
  TRY(insert
          .bind(key.id, key.name, key.hash, key.last4, key.created_ms, key.last_used_ms,
                key.disabled, key.org_id, key.team_id, key.scopes.text())
          .run());
  return transaction.commit();
}

Result<service::ApiKey> SqliteKeyStore::find(std::string_view id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row =
      TRY(connection.prepare(fmt::format("SELECT {} FROM api_keys WHERE id = ?", kKeyColumns)));
  if (!TRY(row.bind(id).step())) return fail(ErrorCode::not_found, "no such key");
  return read_key(row);
}

Result<std::vector<service::ApiKey>> SqliteKeyStore::list() {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(connection.prepare(
      fmt::format("SELECT {} FROM api_keys ORDER BY created_ms, rowid", kKeyColumns)));
  std::vector<service::ApiKey> keys;
  while (TRY(rows.step())) keys.push_back(read_key(rows));
  return keys;
}

Result<void> SqliteKeyStore::remove(std::string_view id) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Statement statement = TRY(connection.prepare("DELETE FROM api_keys WHERE id = ?"));
  TRY(statement.bind(id).run());
  if (connection.changed_count() != 1) return fail(ErrorCode::not_found, "no such key");
  return {};
}

Result<void> SqliteKeyStore::record_uses(std::span<const service::KeyUse> uses) {
  // Nobody misses this after a loss of power: no reason to wait for the disk.
  Connection& connection = database_.crash_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  for (const service::KeyUse& use : uses) {
    Statement update = TRY(connection.prepare("UPDATE api_keys SET last_used_ms = ? WHERE id = ?"));
    TRY(update.bind(use.used_ms, use.id).run());
  }
  return transaction.commit();
}

}  // namespace imagined::storage
