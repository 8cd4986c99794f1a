#pragma once

#include <mutex>
#include <vector>

#include "service/ports/key_store.h"

namespace imagined::storage {

/// Keys in memory, for tests.
class MemoryKeyStore final : public service::KeyStore {
 public:
  Result<void> insert(const service::ApiKey& key) override;
  Result<service::ApiKey> find(std::string_view id) override;
  Result<std::vector<service::ApiKey>> list() override;
  Result<void> remove(std::string_view id) override;
  Result<void> record_uses(std::span<const service::KeyUse> uses) override;

 private:
  std::mutex mutex_;
  std::vector<service::ApiKey> keys_;
};

}  // namespace imagined::storage
