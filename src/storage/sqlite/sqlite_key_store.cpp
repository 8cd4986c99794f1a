#include "storage/sqlite/sqlite_key_store.h"

#include <fmt/core.h>

#include "base/words.h"
#include "storage/sqlite/audit_rows.h"
#include "storage/sqlite/connection.h"

namespace imagined::storage {
namespace {

using service::Allowance;
using service::ApiKey;

constexpr std::string_view kKeyColumns =
    "id, name, hash, last4, created_ms, last_used_ms, disabled, org_id, team_id, scopes, models, "
    "not_before_ms, expires_ms, revoked_ms, previous_hash, previous_until_ms, per_second, "
    "per_minute, in_flight, pictures_per_day, pictures_per_month, usd_ticks_per_day, "
    "usd_ticks_per_month, modified_ms, modified_by, role, asked_per_second, "
    "asked_per_minute, asked_reason, asked_ms, uses_cache, unlabelled, asked_by";

std::optional<std::int64_t> optional_integer(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

ApiKey read_key(const Statement& row) {
  ApiKey key{.id = row.text(0),
             .name = row.text(1),
             .hash = row.text(2),
             .last4 = row.text(3),
             .created_ms = row.integer(4),
             .last_used_ms = row.integer(5),
             .disabled = row.integer(6) != 0,
             .org_id = row.text(7),
             .team_id = row.text(8),
             .scopes = service::ScopeSet::parse(row.text(9)),
             .models = split_words(row.text(10)),
             .allowance = {.per_second = optional_integer(row, 16),
                           .per_minute = optional_integer(row, 17),
                           .in_flight = optional_integer(row, 18),
                           .pictures_per_day = optional_integer(row, 19),
                           .pictures_per_month = optional_integer(row, 20),
                           .usd_ticks_per_day = optional_integer(row, 21),
                           .usd_ticks_per_month = optional_integer(row, 22)},
             .not_before_ms = row.integer(11),
             .expires_ms = row.integer(12),
             .revoked_ms = row.integer(13),
             .previous_hash = row.text(14),
             .previous_until_ms = row.integer(15),
             .modified_ms = row.integer(23),
             .modified_by = row.text(24)};
  // A role that only a newer program knows: a key without scopes, which may do nothing.
  if (const auto role = service::parse_role(row.text(25))) key.role = *role;
  key.asked = {.per_second = optional_integer(row, 26),
               .per_minute = optional_integer(row, 27),
               .reason = row.text(28),
               .by = row.text(32),
               .at_ms = row.integer(29)};
  key.uses_cache = row.integer(30) != 0;
  key.unlabelled = row.integer(31) != 0;
  return key;
}

Result<ApiKey> find_key(Connection& connection, std::string_view id) {
  Statement row =
      TRY(connection.prepare(fmt::format("SELECT {} FROM api_keys WHERE id = ?", kKeyColumns)));
  if (!TRY(row.bind(id).step())) return fail(ErrorCode::not_found, "no such key");
  return read_key(row);
}

Result<void> check_namesakes(Connection& connection, const ApiKey& person) {
  Statement people = TRY(connection.prepare(
      fmt::format("SELECT {} FROM api_keys WHERE role <> '' AND team_id = ?", kKeyColumns)));
  people.bind(person.team_id);
  while (TRY(people.step()))
    if (is_namesake(person, read_key(people))) return tl::unexpected(name_taken(person));
  return {};
}

/// Writes the whole row.
Result<void> write_key(Connection& connection, std::string_view verb, const ApiKey& key) {
  Statement write = TRY(connection.prepare(
      fmt::format("{} INTO api_keys ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                  "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  verb, kKeyColumns)));
  const Allowance& own = key.allowance;
  return write
      .bind(key.id, key.name, key.hash, key.last4, key.created_ms, key.last_used_ms, key.disabled,
            key.org_id, key.team_id, key.scopes.text(), join_words(key.models), key.not_before_ms,
            key.expires_ms, key.revoked_ms, key.previous_hash, key.previous_until_ms,
            own.per_second, own.per_minute, own.in_flight, own.pictures_per_day,
            own.pictures_per_month, own.usd_ticks_per_day, own.usd_ticks_per_month, key.modified_ms,
            key.modified_by, key.role ? to_string(*key.role) : std::string_view(),
            key.asked.per_second, key.asked.per_minute, key.asked.reason, key.asked.at_ms,
            key.uses_cache, key.unlabelled, key.asked.by)
      .run();
}

}  // namespace

Result<void> SqliteKeyStore::insert(const ApiKey& key, const service::Deed& deed) {
  return insert_if(key, deed, [](Connection&) { return Result<void>(); });
}

Result<void> SqliteKeyStore::insert_first_owner(const ApiKey& key, const service::Deed& deed) {
  return insert_if(key, deed, [](Connection& connection) -> Result<void> {
    Statement row =
        TRY(connection.prepare("SELECT 1 FROM api_keys WHERE role = ? AND revoked_ms = 0 LIMIT 1"));
    if (!TRY(row.bind(to_string(service::Role::owner)).step())) return {};
    return fail(ErrorCode::gone, "there is an owner already");
  });
}

template <class Allowed>
Result<void> SqliteKeyStore::insert_if(const ApiKey& key, const service::Deed& deed,
                                       const Allowed& allowed) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  TRY(allowed(connection));
  if (key.role) TRY(check_namesakes(connection, key));
  TRY(write_key(connection, "INSERT", key));
  TRY(append_audit(connection, deed, clock_.unix_ms(), audit_secret_));
  return transaction.commit();
}

Result<ApiKey> SqliteKeyStore::find(std::string_view id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  return find_key(connection, id);
}

Result<std::vector<ApiKey>> SqliteKeyStore::list() {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(connection.prepare(
      fmt::format("SELECT {} FROM api_keys ORDER BY created_ms, id", kKeyColumns)));
  std::vector<ApiKey> keys;
  while (TRY(rows.step())) keys.push_back(read_key(rows));
  return keys;
}

Result<void> SqliteKeyStore::update(const ApiKey& before, const ApiKey& after,
                                    const service::Deed& deed) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  const ApiKey now = TRY(find_key(connection, after.id));
  ApiKey expected = before;
  expected.last_used_ms = now.last_used_ms;
  if (now != expected)
    return fail(ErrorCode::aborted, "the key was changed by somebody else in the meantime");
  ApiKey wanted = after;
  wanted.last_used_ms = now.last_used_ms;
  TRY(write_key(connection, "REPLACE", wanted));
  TRY(append_audit(connection, deed, clock_.unix_ms(), audit_secret_));
  return transaction.commit();
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

Result<std::vector<service::AuditEvent>> SqliteKeyStore::audit(std::int64_t from_sequence,
                                                               int count_max) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  return read_audit(connection, from_sequence, count_max);
}

Result<std::int64_t> SqliteKeyStore::verify_audit() {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  TRY(connection.execute("BEGIN"));  // only reads: stops no writer
  auto first_bad = storage::verify_audit(connection, audit_secret_);
  TRY(connection.execute("COMMIT"));
  return first_bad;
}

}  // namespace imagined::storage
