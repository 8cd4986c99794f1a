// What a key may be told about itself, as xAI's management clients read it (xai-api.md 1.13).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "service/accounts/api_key.h"

namespace imagined::api::wire {

/// What a key may do, as xAI spells it: one grant for an endpoint and one for a model are needed
/// for anything, "*" is all of them.
std::vector<std::string> acls_of(const service::ApiKey& key);

/// xAI has two words for a key that is not good: disabled, by its owner; blocked, by anything else.
bool is_blocked(const service::ApiKey& key, std::int64_t unix_ms);

/// The body of GET /v1/api-key. `redacted` is what may be shown of the key.
std::string api_key_body(const service::ApiKey& key, std::string_view redacted,
                         std::int64_t unix_ms);
/// The body of GET /v1/me.
std::string me_body(const service::ApiKey& key, std::string_view redacted, std::int64_t unix_ms);

}  // namespace imagined::api::wire
