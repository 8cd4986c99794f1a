#pragma once

#include <mutex>
#include <vector>

#include "base/clock.h"
#include "service/ports/key_store.h"

namespace imagined::storage {

/// For tests.
class MemoryKeyStore final : public service::KeyStore {
 public:
  /// The clock must outlive the store.
  explicit MemoryKeyStore(const Clock& clock) : clock_(clock) {}

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

  /// A row of the audit log, for stores beside this one.
  void append(const service::Deed& deed);

 private:
  service::ApiKey* find_row(std::string_view id);
  Result<void> insert_locked(const service::ApiKey& key, const service::Deed& deed);
  void append_locked(const service::Deed& deed);

  const Clock& clock_;
  std::mutex mutex_;
  std::vector<service::ApiKey> keys_;
  std::vector<service::AuditEvent> audit_;
};

}  // namespace imagined::storage
