#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/password_hash.h"
#include "base/result.h"
#include "service/accounts/key_service.h"
#include "service/accounts/visit.h"
#include "service/ports/limit_store.h"
#include "service/ports/session_store.h"

namespace imagined::service {

inline constexpr std::int64_t kSessionIdleMs = 2LL * 3'600'000;   // since it was used last
inline constexpr std::int64_t kSessionLifeMs = 12LL * 3'600'000;  // since it began
inline constexpr int kSessionsPerPersonMax = 20;

/// What proves that a request is the console's own and not that of a page elsewhere which the
/// browser has sent the cookie with. Follows from the session's token.
std::string csrf_token(std::string_view session_token);

/// How people are signed in: a name and a password, and from then on a token that ends. Each
/// request with the token is one of the person: a Caller, whose role is that of the person's
/// management key as it is now, who pays for pictures like a key of the person's id. Any thread may
/// call it; calls block on the store.
class Sessions {
 public:
  /// The references must outlive it.
  struct Parts {
    SessionStore& store;
    KeyService& keys;
    LimitStore& limits;
    const Clock& clock;
  };
  explicit Sessions(Parts parts, PasswordCost cost = {}) : parts_(parts), cost_(cost) {}

  struct Begun {
    std::string token;  // the one moment in which it exists here
    ApiKey person;
    std::int64_t ends_ms = 0;
  };
  struct Attempt {
    std::string_view name;
    std::string_view password;
    std::string_view from;  // the client's address
    std::string_view request_id;
  };
  /// `unauthenticated` for an unknown name and a wrong password alike, after the same time;
  /// `resource_exhausted` after many attempts for a name or from an address; for who had the right
  /// password, as check_usable.
  Result<Begun> sign_in(const Attempt& attempt);
  /// For a person who has proven who it is in another way.
  Result<Begun> begin(const Visit& visit);

  /// `unauthenticated` for a token that is none, or whose session has ended.
  Result<Caller> authenticate(std::string_view token);
  /// When the session ends at the latest.
  Result<std::int64_t> ends_ms(std::string_view token);
  /// Twice is harmless.
  Result<void> sign_out(const Visit& visit, std::string_view token);

  struct PasswordWish {
    std::string name;  // to sign in by
    std::string password;
    std::string current;   // the password until now, where there is one
    bool has_key = false;  // the person asks with the management key, which proves as much
  };
  /// Ends the person's sessions. `invalid_argument` as parse_login_name and check_password, or for
  /// a name that is another's of the team; `unauthenticated` for a wrong `current`.
  Result<void> set_password(const Visit& visit, const PasswordWish& wish);

 private:
  Result<void> draw_attempt(std::string_view name, std::string_view from);
  /// The same for all who sign in by a name, whatever their team.
  Sha256 salt_of(std::string_view name) const;
  Result<std::string> hashed(std::string_view name, std::string_view password);
  Result<bool> is_right(const std::string& hash, std::string_view password);
  /// Those whose password it is. One look for all that were hashed by this program, who share the
  /// salt of their name, and one where there is none: the answer must not come sooner.
  Result<std::vector<const Login*>> with_password(std::string_view name,
                                                  std::span<const Login> logins,
                                                  std::string_view password);
  /// Of at least one: the person of the first who may be used now, or why the first may not.
  Result<ApiKey> first_usable(std::span<const Login* const> logins);
  Result<Begun> begin(const ApiKey& person, std::string_view request_id);
  Result<Session> find(std::string_view token);

  Parts parts_;
  const PasswordCost cost_;
  std::mutex hashing_;  // one password at a time: each takes much memory
};

}  // namespace imagined::service
