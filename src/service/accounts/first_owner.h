#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/key_service.h"

namespace imagined::service {

/// How a server without an owner gets its first: whoever can read what the server prints claims it
/// with a token that is good once and for a while. There is no default password. Any thread may
/// call it; calls block on the store.
class FirstOwner {
 public:
  static constexpr std::int64_t kTokenLifeMs = 15 * 60'000;

  /// The references must outlive it.
  FirstOwner(KeyService& keys, const Clock& clock) : keys_(keys), clock_(clock) {}

  /// A token, in the place of the one before; none when there is an owner.
  Result<std::optional<std::string>> offer();

  /// The owner's management key. `gone` when there is an owner, whatever the token;
  /// `unauthenticated` for a token that is not the one offered or is too old; `invalid_argument`
  /// for the name, as KeyService::create. Of many at once one wins.
  Result<NewKey> claim(std::string_view token, std::string_view name, std::string_view request_id);

 private:
  struct Offer {
    std::string token;
    std::int64_t until_ms = 0;  // on the monotonic clock
  };
  bool is_offered(std::string_view token);

  KeyService& keys_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<Offer> offer_;
};

}  // namespace imagined::service
