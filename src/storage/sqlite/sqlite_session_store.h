#pragma once

#include <string>
#include <utility>

#include "base/clock.h"
#include "service/ports/session_store.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

class SqliteSessionStore final : public service::SessionStore {
 public:
  /// The references must outlive the store. The secret guards the end of the audit log.
  SqliteSessionStore(SqliteDatabase& database, const Clock& clock, std::string audit_secret)
      : database_(database), clock_(clock), audit_secret_(std::move(audit_secret)) {}

  Result<void> put_login(const service::Login& login, const service::Deed& deed) override;
  Result<std::vector<service::Login>> logins_named(std::string_view name) override;
  Result<service::Login> login_of(std::string_view person_id) override;
  Result<void> begin(const service::Session& session, int sessions_max,
                     const service::Deed& deed) override;
  Result<service::Session> find(std::string_view hash) override;
  Result<void> note_use(std::string_view hash, std::int64_t used_ms) override;
  Result<bool> end(std::string_view hash, const service::Deed& deed) override;
  Result<int> remove_over(const Over& over, int count_max) override;

 private:
  SqliteDatabase& database_;
  const Clock& clock_;
  const std::string audit_secret_;
};

}  // namespace imagined::storage
