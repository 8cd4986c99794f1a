#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/accounts/api_key.h"

namespace imagined::service {

/// That a key was used.
struct KeyUse {
  std::string id;
  std::int64_t used_ms = 0;
};

/// Keeps the rows of API keys, never their secrets. Thread-safe; calls block.
/// Any call may fail with `unavailable`, `storage_full`, `data_loss`.
class KeyStore {
 public:
  virtual ~KeyStore() = default;

  /// `already_exists` for a public id that is taken.
  virtual Result<void> insert(const ApiKey& key) = 0;
  /// By public id; `not_found`.
  virtual Result<ApiKey> find(std::string_view id) = 0;
  /// Oldest first.
  virtual Result<std::vector<ApiKey>> list() = 0;
  /// `not_found`.
  virtual Result<void> remove(std::string_view id) = 0;
  /// In one transaction. Keys that are gone are passed over.
  virtual Result<void> record_uses(std::span<const KeyUse> uses) = 0;
};

}  // namespace imagined::service
