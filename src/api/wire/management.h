// Keys as xAI's management API has them (xai-api.md 1.19): protobuf's JSON, so names in camel case,
// times as RFC 3339, and an update with the names of the fields that it means.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "service/accounts/api_key.h"
#include "service/accounts/audit.h"
#include "service/accounts/key_service.h"
#include "service/catalogue/catalogue.h"

namespace imagined::api::wire {

/// What a body is read with.
struct KeyReading {
  const service::Catalogue& catalogue;  // whose names may stand in `acls`
  std::int64_t now_unix_ms = 0;
};

/// `{"name", "acls", "qps", "qpm", "picturesPerDay", "picturesPerMonth", "usdPerDay",
/// "usdPerMonth", "expireTime"}`; without `acls` a key may do everything. Errors name the field,
/// the value and what is allowed; a model that is not offered is one of them.
Result<service::KeyWish> parse_new_key(std::string_view body, const KeyReading& reading);

/// `{"apiKey": {...}, "fieldMask": "qpm,name,disabled"}` upon what the key is: the fields that the
/// mask names, and without a mask those that are given. A masked field that is not given goes back
/// to what a new key has.
Result<service::KeyWish> patch_key(std::string_view body, service::KeyWish wish,
                                   const KeyReading& reading);

/// `{"oldSecretExpireTime"}`: how long the old secret stays good, a day by default.
Result<std::int64_t> parse_overlap_ms(std::string_view body, std::int64_t now_unix_ms);

/// `{"qps", "qpm", "reason"}` of POST /v1/capacity-requests.
Result<service::CapacityRequest> parse_capacity(std::string_view body);
/// What a key may make at most, where it has limits of its own, and what is asked for.
std::string capacity_body(const service::ApiKey& key);

/// What may be shown of a key beside its row.
struct ShownKey {
  std::string redacted;
  std::string secret;  // the whole key, where it was made just now; else empty
};
std::string managed_key_body(const service::ApiKey& key, const ShownKey& shown);

struct ManagedKey {
  service::ApiKey key;
  ShownKey shown;
};
/// `{"apiKeys": [...]}`, with a token when there is another page.
std::string managed_keys_body(std::span<const ManagedKey> keys, std::string_view next);
/// `{"token", "name", "password"}` of POST /auth/first-owner; without a name it is "owner".
struct OwnerClaim {
  std::string token;
  std::string name;
  std::string password;  // empty: none is set
};
Result<OwnerClaim> parse_owner_claim(std::string_view body);
/// Of a person's management key, as GET /auth/management-keys/validation has it.
std::string person_body(const service::ApiKey& key, const ShownKey& shown);
/// `{"name", "role"}` of POST /auth/teams/{team_id}/people; without a role a member.
struct NewPerson {
  std::string name;
  service::Role role = service::Role::member;
};
Result<NewPerson> parse_new_person(std::string_view body);
std::string people_body(std::span<const ManagedKey> people);
/// `{"events": [...]}`, with a page token when there may be more.
std::string audit_body(std::span<const service::AuditEvent> events, std::int64_t next_sequence);

}  // namespace imagined::api::wire
