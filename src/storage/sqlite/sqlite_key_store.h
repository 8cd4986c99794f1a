#pragma once

#include <string>

#include "base/clock.h"
#include "service/ports/key_store.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

class SqliteKeyStore final : public service::KeyStore {
 public:
  /// The references must outlive the store. The secret guards the end of the audit log.
  SqliteKeyStore(SqliteDatabase& database, const Clock& clock, std::string audit_secret)
      : database_(database), clock_(clock), audit_secret_(std::move(audit_secret)) {}

  Result<void> insert(const service::ApiKey& key, const service::Deed& deed) override;
  Result<void> insert_first_owner(const service::ApiKey& key, const service::Deed& deed) override;
  Result<service::ApiKey> find(std::string_view id) override;
  Result<std::vector<service::ApiKey>> list() override;
  Result<void> update(const service::ApiKey& before, const service::ApiKey& after,
                      const service::Deed& deed) override;
  Result<void> record_uses(std::span<const service::KeyUse> uses) override;
  Result<std::vector<service::AuditEvent>> audit(std::int64_t from_sequence,
                                                 int count_max) override;
  Result<std::int64_t> verify_audit() override;

 private:
  template <class Allowed>
  Result<void> insert_if(const service::ApiKey& key, const service::Deed& deed,
                         const Allowed& allowed);

  SqliteDatabase& database_;
  const Clock& clock_;
  const std::string audit_secret_;
};

}  // namespace imagined::storage
