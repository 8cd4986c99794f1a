#include "api/wire/key_replies.h"

#include <algorithm>

#include "base/json_text.h"
#include "base/timestamp.h"

namespace imagined::api::wire {
namespace {

using service::ApiKey;
using service::KeyState;
using service::Scope;

}  // namespace

bool is_blocked(const ApiKey& key, std::int64_t unix_ms) {
  const KeyState state = state_at(key, unix_ms);
  return state != KeyState::active && state != KeyState::disabled;
}

std::vector<std::string> acls_of(const ApiKey& key) {
  std::vector<std::string> acls;
  if (key.scopes == service::ScopeSet::all()) {
    acls.push_back("api-key:endpoint:*");
  } else {
    const auto may = [&](Scope scope) { return key.scopes.has(scope); };
    if (may(Scope::images) || may(Scope::edits) || may(Scope::files))
      acls.push_back("api-key:endpoint:image");
    if (may(Scope::videos)) acls.push_back("api-key:endpoint:video");
    if (key.scopes.has(Scope::models)) acls.push_back("api-key:endpoint:models");
  }
  if (key.models.empty()) acls.push_back("api-key:model:*");
  for (const std::string& model : key.models) acls.push_back("api-key:model:" + model);
  return acls;
}

std::string api_key_body(const ApiKey& key, std::string_view redacted, std::int64_t unix_ms) {
  return JsonText::object({{"redacted_api_key", redacted},
                           {"api_key_id", key.id},
                           {"name", key.name},
                           {"user_id", ""},  // keys belong to teams here
                           {"team_id", key.team_id},
                           {"create_time", to_timestamp(key.created_ms)},
                           {"modify_time", to_timestamp(std::max(key.created_ms, key.modified_ms))},
                           {"modified_by", key.modified_by},
                           {"acls", JsonText::array_of(acls_of(key))},
                           {"team_blocked", false},
                           {"api_key_blocked", is_blocked(key, unix_ms)},
                           {"api_key_disabled", key.disabled}})
      .text();
}

std::string me_body(const ApiKey& key, std::string_view redacted, std::int64_t unix_ms) {
  const JsonText api_key = JsonText::object({{"redacted_api_key", redacted},
                                             {"api_key_id", key.id},
                                             {"blocked", is_blocked(key, unix_ms)},
                                             {"disabled", key.disabled}});
  return JsonText::object({{"user_id", ""},
                           {"team_id", key.team_id},
                           {"zdr_status", "no_zdr"},
                           {"team_blocked", false},
                           {"api_key", api_key}})
      .text();
}

}  // namespace imagined::api::wire
