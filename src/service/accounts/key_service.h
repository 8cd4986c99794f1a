#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/result.h"
#include "service/accounts/api_key.h"
#include "service/accounts/caller.h"
#include "service/accounts/capacity.h"
#include "service/jobs/queue_pace.h"
#include "service/ports/key_store.h"
#include "service/ports/limit_store.h"

namespace imagined::service {

struct KeyServiceOptions {
  std::string prefix{kKeyPrefixDefault};
  std::string pepper;                            // from a file in the data directory
  Rates rates;                                   // of a key that has none of its own
  std::function<Result<QueuePace>()> pace = {};  // of the work; empty: nobody measures it
  LimitStore* limits = nullptr;                  // counts wrong keys; none: nobody does
};

/// What somebody wants of a key: all that can be changed later, too.
struct KeyWish {
  std::string name;
  ScopeSet scopes = ScopeSet::all();
  std::vector<std::string> models;  // none: all
  Allowance allowance;
  std::int64_t not_before_ms = 0;
  std::int64_t expires_ms = 0;
  bool disabled = false;
  bool uses_cache = false;
  bool unlabelled = false;
};
KeyWish wish_of(const ApiKey& key);

/// Whose a new key is to be.
struct KeyHolder {
  std::string org_id{kDefaultOrg};
  std::string team_id{kDefaultTeam};
  std::optional<Role> role;  // of a person: then it has no scopes of customers, whatever is wished
};

/// Who changes keys, for the audit log: "command line", "key:Ab3dE6gH9jKl".
struct Actor {
  std::string name;
  std::string request_id;
};

/// Which keys are asked for: those that may be used now, or also those that are disabled, expired
/// or not yet active. Never a revoked one.
enum class Usable : std::uint8_t { now, sometime };

/// Of one address; what is beyond them is told to wait.
inline constexpr Window kWrongKeysMax = {.limit = 20, .window_ms = 60'000};

inline constexpr std::int64_t kRotationOverlapMsMax = 7LL * 86'400'000;

/// That there is no key of this id.
tl::unexpected<Error> no_such_key(std::string_view id);

/// Makes, changes and checks API keys; every change is a row of the audit log. Any thread may call
/// it; calls block on the store. A change holds from its commit on: nothing of a key is remembered
/// between two requests.
class KeyService {
 public:
  /// The references must outlive the service.
  KeyService(KeyStore& store, const Clock& clock, KeyServiceOptions options);

  /// `invalid_argument` names the field: a name that is empty, too long or has control characters,
  /// an end before the beginning or in the past, a limit below one, a team that is no name of one.
  Result<NewKey> create(const Actor& actor, const KeyWish& wish, const KeyHolder& holder = {});
  /// A person who is the first owner; `gone` when there is one already.
  Result<NewKey> create_first_owner(const Actor& actor, std::string_view name);
  Result<bool> has_owner();
  Result<std::vector<ApiKey>> list();
  /// By public id, as all that follow; `not_found`.
  Result<ApiKey> find(std::string_view id);
  /// A new secret; the old one stays good for `overlap_ms`, 0 to kRotationOverlapMsMax.
  /// `failed_precondition` for a revoked key.
  Result<NewKey> rotate(const Actor& actor, std::string_view id, std::int64_t overlap_ms);
  /// The key as it is wished now; errors as those of `create`, and `failed_precondition` for a
  /// revoked key.
  Result<ApiKey> change(const Actor& actor, const ApiKey& key, const KeyWish& wish);
  Result<ApiKey> set_disabled(const Actor& actor, std::string_view id, bool disabled);
  /// Asks for more than the key may make, in place of what was asked before. `failed_precondition`
  /// for a revoked key.
  Result<ApiKey> ask_capacity(const Actor& actor, std::string_view id, CapacityRequest request);
  /// Gives what was asked for, as far as the work gets on so fast (`within_pace`), or not;
  /// `failed_precondition` when nothing is. Nobody grants what they have asked for themselves:
  /// `permission_denied`.
  Result<ApiKey> decide_capacity(const Actor& actor, std::string_view id, bool granted);
  /// For ever: the row stays, so that whoever uses the key is told. Twice is harmless.
  Result<ApiKey> revoke(const Actor& actor, std::string_view id);

  /// `authorization` is the value of that header, if there was one ("Bearer imk_...", the scheme in
  /// any case). Errors are `unauthenticated`, a sentence for each cause: no header; a header
  /// without "Bearer"; a key that was cut or mistyped (its checksum says so, no look into the
  /// store); and, told only to who has the right secret, revoked, disabled, not yet active,
  /// expired. An unknown key and a wrong secret are one, so that nobody learns which keys exist.
  ///
  /// `from`: the client's address, empty where none is counted. After kWrongKeysMax wrong keys from
  /// it another one is `resource_exhausted`; a right one is never held up.
  ///
  /// Never waits for a writer: that the key was used is noted in memory.
  Result<Caller> authenticate(std::optional<std::string_view> authorization,
                              Usable usable = Usable::now, std::string_view from = {});
  /// "imk_Ab3dE6gH9jKl_...wxyz": what may be shown of a key.
  std::string redacted(const ApiKey& key) const;
  /// A secret of this server for a use, always the same.
  Sha256 secret_for(std::string_view use) const;
  /// A path as the log may have it: without what follows a key's prefix in a segment.
  std::string without_keys(std::string_view path) const;

  /// Writes down which keys were used since the last time; how many. A duty of the server calls it:
  /// what was noted since is lost in a crash, and nobody misses it.
  Result<int> record_uses();

 private:
  using Insert = std::function<Result<void>(const ApiKey&, const Deed&)>;
  Result<NewKey> make(const Actor& actor, const KeyWish& wish, const KeyHolder& holder,
                      const Insert& insert);
  /// The key after a change of it, written with its deed.
  Result<ApiKey> write(const Actor& actor, const ApiKey& before, ApiKey after,
                       std::string_view action, std::string detail = {});
  /// What to answer to a wrong key, whose own refusal it is.
  Error wrong_key(std::string_view from, Error refusal);
  void note_use(const ApiKey& key);

  KeyStore& store_;
  const Clock& clock_;
  KeyServiceOptions options_;
  std::mutex mutex_;
  std::map<std::string, std::int64_t> uses_;  // by key id, unix milliseconds; at most one a key
};

}  // namespace imagined::service
