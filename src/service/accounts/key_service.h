#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/api_key.h"
#include "service/accounts/caller.h"
#include "service/ports/key_store.h"

namespace imagined::service {

struct KeyServiceOptions {
  std::string prefix{kKeyPrefixDefault};
  std::string pepper;  // from a file in the data directory
};

/// Makes, lists and checks API keys. Any thread may call it; calls block on the store.
class KeyService {
 public:
  /// The references must outlive the service.
  KeyService(KeyStore& store, const Clock& clock, KeyServiceOptions options);

  /// `invalid_argument`, field "name": empty, too long, or with control characters.
  Result<NewKey> create(std::string_view name);
  Result<std::vector<ApiKey>> list();
  /// By public id; `not_found`.
  Result<void> remove(std::string_view id);

  /// `authorization` is the value of that header, if there was one ("Bearer imk_...", the scheme in
  /// any case). Errors are `unauthenticated`: "No credentials presented." without a bearer token,
  /// "Incorrect API key provided: im***yz." for every other reason, whether mistyped, unknown,
  /// deleted or disabled, so that nobody learns which keys exist.
  ///
  /// Never waits for a writer: that the key was used is noted in memory.
  Result<Caller> authenticate(std::optional<std::string_view> authorization);

  /// Writes down which keys were used since the last time; how many. A duty of the server calls it:
  /// what was noted since is lost in a crash, and nobody misses it.
  Result<int> record_uses();

 private:
  void note_use(const ApiKey& key);

  KeyStore& store_;
  const Clock& clock_;
  KeyServiceOptions options_;
  std::mutex mutex_;
  std::map<std::string, std::int64_t> uses_;  // by key id, unix milliseconds; at most one a key
};

}  // namespace imagined::service
