#include "storage/sqlite/sqlite_session_store.h"

#include "storage/sqlite/audit_rows.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_rows.h"

namespace imagined::storage {

using service::Login;
using service::Session;

namespace {

Login read_login(const Statement& row) {
  return {.person_id = row.text(0),
          .name = row.text(1),
          .hash = row.text(2),
          .changed_ms = row.integer(3)};
}

}  // namespace

Result<void> SqliteSessionStore::put_login(const Login& login, const service::Deed& deed) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  {
    Statement other = TRY(
        connection.prepare("SELECT 1 FROM logins JOIN api_keys AS theirs ON theirs.id = person_id "
                           "JOIN api_keys AS mine ON mine.id = ?1 "
                           "WHERE logins.name = ?2 AND person_id <> ?1 AND theirs.revoked_ms = 0 "
                           "AND theirs.org_id = mine.org_id AND theirs.team_id = mine.team_id"));
    if (TRY(other.bind(login.person_id, login.name).step()))
      return fail(ErrorCode::already_exists, "this name is taken");
  }
  Statement put = TRY(connection.prepare(
      "REPLACE INTO logins (person_id, name, hash, changed_ms) VALUES (?, ?, ?, ?)"));
  TRY(put.bind(login.person_id, login.name, login.hash, login.changed_ms).run());
  Statement end = TRY(connection.prepare("DELETE FROM sessions WHERE person_id = ?"));
  TRY(end.bind(login.person_id).run());
  TRY(append_audit(connection, deed, clock_.unix_ms(), audit_secret_));
  return transaction.commit();
}

Result<std::vector<Login>> SqliteSessionStore::logins_named(std::string_view name) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(connection.prepare(
      "SELECT person_id, name, hash, changed_ms FROM logins WHERE name = ? ORDER BY person_id"));
  rows.bind(name);
  std::vector<Login> logins;
  while (TRY(rows.step())) logins.push_back(read_login(rows));
  return logins;
}

Result<Login> SqliteSessionStore::login_of(std::string_view person_id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row = TRY(connection.prepare(
      "SELECT person_id, name, hash, changed_ms FROM logins WHERE person_id = ?"));
  if (!TRY(row.bind(person_id).step())) return no_such("login");
  return read_login(row);
}

Result<void> SqliteSessionStore::begin(const Session& session, int sessions_max,
                                       const service::Deed& deed) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  Statement insert = TRY(connection.prepare(
      "INSERT INTO sessions (hash, person_id, created_ms, used_ms) VALUES (?, ?, ?, ?)"));
  TRY(insert.bind(session.hash, session.person_id, session.created_ms, session.used_ms).run());
  Statement end = TRY(connection.prepare(
      "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE person_id = ? AND "
      "hash <> ? ORDER BY created_ms DESC, hash LIMIT -1 OFFSET ?)"));
  TRY(end.bind(session.person_id, session.hash, sessions_max - 1).run());
  TRY(append_audit(connection, deed, clock_.unix_ms(), audit_secret_));
  return transaction.commit();
}

Result<Session> SqliteSessionStore::find(std::string_view hash) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row = TRY(connection.prepare(
      "SELECT hash, person_id, created_ms, used_ms FROM sessions WHERE hash = ?"));
  if (!TRY(row.bind(hash).step())) return no_such("session");
  return Session{.hash = row.text(0),
                 .person_id = row.text(1),
                 .created_ms = row.integer(2),
                 .used_ms = row.integer(3)};
}

/// Not synced: a loss of power ends a session a minute earlier.
Result<void> SqliteSessionStore::note_use(std::string_view hash, std::int64_t used_ms) {
  Connection& connection = database_.crash_safe();
  const auto lock = connection.lock();
  Statement update = TRY(connection.prepare("UPDATE sessions SET used_ms = ? WHERE hash = ?"));
  return update.bind(used_ms, hash).run();
}

Result<bool> SqliteSessionStore::end(std::string_view hash, const service::Deed& deed) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  Statement remove = TRY(connection.prepare("DELETE FROM sessions WHERE hash = ?"));
  TRY(remove.bind(hash).run());
  if (connection.changed_count() == 0) return false;
  TRY(append_audit(connection, deed, clock_.unix_ms(), audit_secret_));
  TRY(transaction.commit());
  return true;
}

Result<int> SqliteSessionStore::remove_over(const Over& over, int count_max) {
  Connection& connection = database_.crash_safe();
  const auto lock = connection.lock();
  Statement remove = TRY(connection.prepare(
      "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE created_ms < ? OR "
      "used_ms < ? LIMIT ?)"));
  TRY(remove.bind(over.created_before_ms, over.used_before_ms, count_max).run());
  return static_cast<int>(connection.changed_count());
}

}  // namespace imagined::storage
