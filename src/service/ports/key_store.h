#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/accounts/api_key.h"
#include "service/accounts/audit.h"

namespace imagined::service {

/// That a key was used.
struct KeyUse {
  std::string id;
  std::int64_t used_ms = 0;
};

/// Keeps the rows of API keys, never their secrets, and the audit log of what was done to them: a
/// change and its deed are one commit. Thread-safe; calls block.
/// Any call may fail with `unavailable`, `storage_full`, `data_loss`.
class KeyStore {
 public:
  virtual ~KeyStore() = default;

  /// `already_exists` for a public id that is taken, and as `name_taken` for a person who is called
  /// as another of the team. Of many at once one is written.
  virtual Result<void> insert(const ApiKey& key, const Deed& deed) = 0;
  /// The same for a person who is to be the first owner: `gone` when there is one who is not
  /// revoked. Of many at once one is written.
  virtual Result<void> insert_first_owner(const ApiKey& key, const Deed& deed) = 0;
  /// By public id; `not_found`. Revoked keys are found.
  virtual Result<ApiKey> find(std::string_view id) = 0;
  /// Oldest first, revoked ones too.
  virtual Result<std::vector<ApiKey>> list() = 0;
  /// From one state to another of the same id; the last use is left alone. `not_found`; `aborted`
  /// when the key is not as `before` any more: two changes at once must not undo each other.
  virtual Result<void> update(const ApiKey& before, const ApiKey& after, const Deed& deed) = 0;
  /// In one transaction. Keys that are gone are passed over.
  virtual Result<void> record_uses(std::span<const KeyUse> uses) = 0;

  /// Oldest first, from the given sequence on.
  virtual Result<std::vector<AuditEvent>> audit(std::int64_t from_sequence, int count_max) = 0;
  /// The sequence of the first row of the audit log that is not as it was written; 0: none.
  virtual Result<std::int64_t> verify_audit() = 0;
};

}  // namespace imagined::service
