// API keys: `<prefix>_<public id, 12 base62>_<secret, 43 base62><crc32, 6 base62>`.
//
// The checksum lets a mistyped key be refused without a look into the store; what is stored is an
// HMAC of the secret under a pepper that lives outside the store (256 random bits need no slow
// hash).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/capacity.h"
#include "service/accounts/owner.h"
#include "service/accounts/role.h"
#include "service/accounts/scope.h"
#include "service/limits/allowance.h"

namespace imagined::service {

inline constexpr std::string_view kKeyPrefixDefault = "imk";
inline constexpr std::size_t kKeyNameBytesMax = 100;

/// A row of the key store.
struct ApiKey {
  std::string id;     // public part, 12 base62
  std::string name;   // for people
  std::string hash;   // HMAC-SHA-256(pepper, secret), hex
  std::string last4;  // last letters of the whole key, for lists
  std::int64_t created_ms = 0;
  std::int64_t last_used_ms = 0;  // 0: never; exact to a minute
  bool disabled = false;
  std::string org_id{kDefaultOrg};
  std::string team_id{kDefaultTeam};
  ScopeSet scopes = ScopeSet::all();
  std::vector<std::string> models;  // ids that it may use; none: all
  Allowance allowance;              // its own limits
  bool uses_cache = false;          // unless a request says otherwise
  bool unlabelled = false;          // its files say nothing of how their pictures were made
  std::int64_t not_before_ms = 0;   // 0: from the beginning
  std::int64_t expires_ms = 0;      // 0: never
  std::int64_t revoked_ms = 0;      // 0: not; a revoked key never comes back
  std::string previous_hash;        // of the secret before the last rotation
  std::int64_t previous_until_ms = 0;
  std::int64_t modified_ms = 0;
  std::string modified_by;   // an actor of the audit log
  std::optional<Role> role;  // of a person, whose management key it is; none: a customer's key
  CapacityRequest asked;     // for more than the key may make now

  bool operator==(const ApiKey&) const = default;
};

/// Of a person who is an owner and not revoked.
bool is_owner(const ApiKey& key);
/// Whether both are people of one team who are called the same, in any case, and neither is
/// revoked.
bool is_namesake(const ApiKey& person, const ApiKey& other);
/// `already_exists`, field "name".
Error name_taken(const ApiKey& person);

/// How a key stands at a moment.
enum class KeyState : std::uint8_t { active, revoked, disabled, not_yet_active, expired };
KeyState state_at(const ApiKey& key, std::int64_t unix_ms);
/// "not yet active".
std::string_view to_string(KeyState state);

/// `unauthenticated` when a key whose secret was right may not be used now, with a sentence for
/// each state.
Result<void> check_usable(const ApiKey& key, std::int64_t unix_ms);

/// The one moment in which a whole key exists.
struct NewKey {
  ApiKey row;
  std::string secret;  // the whole key, shown once
};

/// The parts of a key whose checksum is right.
struct ParsedKey {
  std::string id;
  std::string secret;
};

struct KeyRecipe {
  std::string_view prefix = kKeyPrefixDefault;  // letters and digits
  std::string_view name;
  std::string_view pepper;
};

NewKey make_key(const KeyRecipe& recipe, const Clock& clock);
/// The same key with a new secret; the old one is good for so much longer.
NewKey with_new_secret(const ApiKey& key, const KeyRecipe& recipe, const Clock& clock,
                       std::int64_t overlap_ms);
/// Whether `secret` is one of the key's that are good now.
bool has_secret(const ApiKey& key, std::string_view secret, std::string_view pepper,
                std::int64_t now_ms);

/// `unauthenticated` for anything that is not a key of ours by form and checksum; the message says
/// which of the two, since a key that was cut or mistyped is the most frequent mistake of all.
Result<ParsedKey> parse_key(std::string_view text, std::string_view prefix = kKeyPrefixDefault);

/// HMAC-SHA-256 in hex, as stored.
std::string key_hash(std::string_view secret, std::string_view pepper);

/// "im***yz": what an error may show of a key. Nothing of a key under eight letters.
std::string masked_key(std::string_view key);

}  // namespace imagined::service
