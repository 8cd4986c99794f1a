#pragma once

#include <map>
#include <mutex>
#include <string>

#include "service/ports/session_store.h"
#include "storage/memory/memory_key_store.h"

namespace imagined::storage {

/// For tests. Deeds go to the audit log of the keys.
class MemorySessionStore final : public service::SessionStore {
 public:
  explicit MemorySessionStore(MemoryKeyStore& keys) : keys_(keys) {}

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
  /// The second of them not revoked.
  bool are_of_one_team(std::string_view person_id, std::string_view other_id);

  MemoryKeyStore& keys_;
  std::mutex mutex_;
  std::map<std::string, service::Login, std::less<>> logins_;      // by person
  std::map<std::string, service::Session, std::less<>> sessions_;  // by hash
};

}  // namespace imagined::storage
