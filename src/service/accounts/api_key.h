// API keys: `<prefix>_<public id, 12 base62>_<secret, 43 base62><crc32, 6 base62>`.
//
// The checksum lets a mistyped key be refused without a look into the store; what is stored is an
// HMAC of the secret under a pepper that lives outside the store (256 random bits need no slow
// hash).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/owner.h"
#include "service/accounts/scope.h"

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
};

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

/// `unauthenticated` for anything that is not a key of ours by form and checksum.
Result<ParsedKey> parse_key(std::string_view text, std::string_view prefix = kKeyPrefixDefault);

/// HMAC-SHA-256 in hex, as stored.
std::string key_hash(std::string_view secret, std::string_view pepper);

/// "im***yz": what an error may show of a key. Nothing of a key under eight letters.
std::string masked_key(std::string_view key);

}  // namespace imagined::service
