#include "api/wire/management.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "api/wire/json.h"
#include "api/wire/key_replies.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "base/words.h"
#include "service/billing/money.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;
using service::ApiKey;
using service::KeyWish;
using service::Scope;
using service::ScopeSet;

constexpr std::string_view kModel = "api-key:model:";
constexpr std::int64_t kOverlapMs = 86'400'000;

tl::unexpected<Error> wrong_value(std::string_view field, std::string_view expected,
                                  const json& value) {
  return fail(ErrorCode::unprocessable,
              fmt::format("{}: expected {}, got {}", field, expected, shown(value)),
              std::string(field));
}

/// The id of a model that is offered, or that the key has had until now.
Result<std::string> model_of_acl(std::string_view name, const service::Catalogue& catalogue,
                                 const std::vector<std::string>& before) {
  if (std::ranges::find(before, name) != before.end()) return std::string(name);
  auto id = catalogue.id_of(name);
  if (id) return id;
  return fail(ErrorCode::invalid_argument, fmt::format("acls: {}", id.error().message), "acls");
}

/// A key needs an endpoint and a model for anything.
Result<void> read_acls(const json& value, const service::Catalogue& catalogue, KeyWish& wish) {
  constexpr std::string_view kExpected =
      "a list of api-key:endpoint:image, api-key:endpoint:video, api-key:endpoint:models, "
      "api-key:endpoint:* and "
      "api-key:model:NAME or api-key:model:*, with one model at least";
  if (!value.is_array()) return wrong_value("acls", kExpected, value);
  wish.scopes = ScopeSet();
  const std::vector<std::string> before = std::exchange(wish.models, {});
  bool all_models = false;
  for (const json& each : value) {
    const std::string acl = each.is_string() ? each.get<std::string>() : std::string();
    if (acl == "api-key:endpoint:*") {
      wish.scopes = ScopeSet::all();
    } else if (acl == "api-key:endpoint:image") {
      wish.scopes.add(Scope::images).add(Scope::edits).add(Scope::files);
    } else if (acl == "api-key:endpoint:video") {
      wish.scopes.add(Scope::videos).add(Scope::files);
    } else if (acl == "api-key:endpoint:models") {
      wish.scopes.add(Scope::models);
    } else if (acl == "api-key:model:*") {
      all_models = true;
    } else if (acl.starts_with(kModel)) {
      wish.models.push_back(
          TRY(model_of_acl(std::string_view(acl).substr(kModel.size()), catalogue, before)));
    } else {
      return wrong_value("acls", kExpected, each);
    }
  }
  if (!all_models && wish.models.empty() && !value.empty())
    return wrong_value("acls", kExpected, value);
  if (all_models) wish.models.clear();
  return {};
}

Result<void> read_limit(const json& object, std::string_view name,
                        std::optional<std::int64_t>& limit) {
  const auto value = TRY(read_integer(object, name, "a whole number"));
  limit = value.value_or(0) == 0 ? std::nullopt : value;  // protobuf's zero is "not given"
  return {};
}

/// In US dollars as a text, "12.50": a number would be rounded on the way.
Result<void> read_budget(const json& object, std::string_view name,
                         std::optional<std::int64_t>& limit) {
  const auto text = TRY(read_string(object, name, "US dollars as a text, such as \"12.50\""));
  limit.reset();
  if (text && !text->empty()) limit = TRY(service::parse_usd(*text, name));
  return {};
}

Result<void> read_time(const json& object, std::string_view name, std::int64_t now_unix_ms,
                       std::int64_t& time_ms) {
  const auto text = TRY(read_string(object, name, "a time such as 2026-12-31T23:59:59Z"));
  time_ms = text && !text->empty() ? TRY(parse_when(*text, now_unix_ms, name)) : 0;
  return {};
}

/// One field of a key; `invalid_argument` for one that cannot be changed.
Result<void> read_field(const json& object, std::string_view name, const KeyReading& reading,
                        KeyWish& wish) {
  if (name == "name") {
    wish.name = TRY(read_string(object, name, "a text")).value_or("");
  } else if (name == "acls" || name == "aclStrings") {
    const auto given = object.find(name);
    if (given != object.end() && !given->is_null())
      return read_acls(*given, reading.catalogue, wish);
    wish.scopes = ScopeSet::all();
    wish.models.clear();
  } else if (name == "qps") {
    return read_limit(object, name, wish.allowance.per_second);
  } else if (name == "qpm") {
    return read_limit(object, name, wish.allowance.per_minute);
  } else if (name == "picturesPerDay") {
    return read_limit(object, name, wish.allowance.pictures_per_day);
  } else if (name == "picturesPerMonth") {
    return read_limit(object, name, wish.allowance.pictures_per_month);
  } else if (name == "usdPerDay") {
    return read_budget(object, name, wish.allowance.usd_ticks_per_day);
  } else if (name == "usdPerMonth") {
    return read_budget(object, name, wish.allowance.usd_ticks_per_month);
  } else if (name == "expireTime") {
    return read_time(object, name, reading.now_unix_ms, wish.expires_ms);
  } else if (name == "disabled") {
    const auto given = object.find(name);
    const bool is_given = given != object.end() && !given->is_null();
    if (is_given && !given->is_boolean()) return wrong_value(name, "true or false", *given);
    wish.disabled = is_given && given->get<bool>();
  } else {
    return fail(ErrorCode::invalid_argument,
                fmt::format("the field \"{}\" of a key cannot be set, expected one of name, acls, "
                            "qps, qpm, picturesPerDay, picturesPerMonth, usdPerDay, usdPerMonth, "
                            "expireTime, disabled",
                            name.substr(0, 60)),
                std::string(name.substr(0, 60)));
  }
  return {};
}

json timestamp_or_null(std::int64_t unix_ms) {
  return unix_ms == 0 ? json() : json(to_timestamp(unix_ms));
}

json rates_value(const std::optional<std::int64_t>& per_second,
                 const std::optional<std::int64_t>& per_minute) {
  json value = json::object();
  if (per_second) value["qps"] = *per_second;
  if (per_minute) value["qpm"] = *per_minute;
  return value;
}

void add_quotas(const service::Allowance& own, json& value) {
  if (own.pictures_per_day) value["picturesPerDay"] = *own.pictures_per_day;
  if (own.pictures_per_month) value["picturesPerMonth"] = *own.pictures_per_month;
  if (own.usd_ticks_per_day) value["usdPerDay"] = service::format_usd(*own.usd_ticks_per_day);
  if (own.usd_ticks_per_month) value["usdPerMonth"] = service::format_usd(*own.usd_ticks_per_month);
}

json asked_value(const service::CapacityRequest& asked) {
  json value = rates_value(asked.per_second, asked.per_minute);
  value["reason"] = asked.reason;
  value["createTime"] = to_timestamp(asked.at_ms);
  value["askedBy"] = asked.by;
  return value;
}

json managed_key_value(const ApiKey& key, const ShownKey& shown) {
  json value = {{"apiKeyId", key.id},
                {"redactedApiKey", shown.redacted},
                {"name", key.name},
                {"userId", ""},
                {"teamId", key.team_id},
                {"createTime", to_timestamp(key.created_ms)},
                {"modifyTime", to_timestamp(std::max(key.created_ms, key.modified_ms))},
                {"expireTime", timestamp_or_null(key.expires_ms)},
                {"disabled", key.disabled},
                {"aclStrings", acls_of(key)}};
  value.update(rates_value(key.allowance.per_second, key.allowance.per_minute));
  add_quotas(key.allowance, value);
  if (key.last_used_ms > 0) value["lastUseTime"] = to_timestamp(key.last_used_ms);
  if (key.asked.is_open()) value["capacityRequest"] = asked_value(key.asked);
  if (!shown.secret.empty()) value["apiKey"] = shown.secret;
  return value;
}

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Result<KeyWish> parse_new_key(std::string_view body, const KeyReading& reading) {
  const json object = TRY(parse_json_object(body));
  KeyWish wish;
  for (const auto& [name, value] : object.items()) TRY(read_field(object, name, reading, wish));
  return wish;
}

Result<KeyWish> patch_key(std::string_view body, KeyWish wish, const KeyReading& reading) {
  const json object = TRY(parse_json_object(body));
  const auto key = object.find("apiKey");
  if (key == object.end() || !key->is_object())
    return fail(ErrorCode::invalid_argument, "apiKey: expected an object with what is to change",
                "apiKey");
  std::vector<std::string> fields;
  if (const auto mask = TRY(read_string(object, "fieldMask", "names with commas between"))) {
    fields = split_words(*mask);
  } else {
    for (const auto& [name, value] : key->items()) fields.push_back(name);
  }
  for (const std::string& name : fields) TRY(read_field(*key, name, reading, wish));
  return wish;
}

Result<std::int64_t> parse_overlap_ms(std::string_view body, std::int64_t now_unix_ms) {
  if (body.empty()) return kOverlapMs;
  const json object = TRY(parse_json_object(body));
  std::int64_t until_ms = 0;
  TRY(read_time(object, "oldSecretExpireTime", now_unix_ms, until_ms));
  return until_ms == 0 ? kOverlapMs : until_ms - now_unix_ms;
}

Result<service::CapacityRequest> parse_capacity(std::string_view body) {
  const json object = TRY(parse_json_object(body));
  service::CapacityRequest request;
  request.per_second = TRY(read_integer(object, "qps", "a whole number"));
  request.per_minute = TRY(read_integer(object, "qpm", "a whole number"));
  request.reason = TRY(read_string(object, "reason", "a text")).value_or("");
  return request;
}

std::string capacity_body(const ApiKey& key) {
  json value = {{"limits", rates_value(key.allowance.per_second, key.allowance.per_minute)},
                {"asked", nullptr}};
  if (key.asked.is_open()) value["asked"] = asked_value(key.asked);
  return text_of(value);
}

std::string managed_key_body(const ApiKey& key, const ShownKey& shown) {
  return text_of(managed_key_value(key, shown));
}

std::string managed_keys_body(std::span<const ManagedKey> keys, std::string_view next) {
  json items = json::array();
  for (const ManagedKey& each : keys) items.push_back(managed_key_value(each.key, each.shown));
  json value = {{"apiKeys", std::move(items)}};
  if (!next.empty()) value["paginationToken"] = next;
  return text_of(value);
}

Result<OwnerClaim> parse_owner_claim(std::string_view body) {
  const json object = TRY(parse_json_object(body));
  OwnerClaim claim;
  claim.token = TRY(read_string(object, "token", "the text that the server printed")).value_or("");
  claim.name = TRY(read_string(object, "name", "a text")).value_or("owner");
  claim.password = TRY(read_string(object, "password", "a text")).value_or("");
  return claim;
}

std::string person_body(const ApiKey& key, const ShownKey& shown) {
  json value = {{"apiKeyId", key.id},
                {"redactedApiKey", shown.redacted},
                {"name", key.name},
                {"teamId", key.team_id},
                {"scope", "SCOPE_TEAM"},
                {"scopeId", key.team_id},
                {"ownerUserId", key.id},
                {"role", key.role ? to_string(*key.role) : std::string_view()},
                {"createTime", to_timestamp(key.created_ms)},
                {"modifyTime", to_timestamp(std::max(key.created_ms, key.modified_ms))},
                {"acls", json::array()},
                {"ipRanges", json::array()}};
  if (!shown.secret.empty()) value["apiKey"] = shown.secret;
  return text_of(value);
}

Result<NewPerson> parse_new_person(std::string_view body) {
  const json object = TRY(parse_json_object(body));
  const auto role = TRY(read_string(object, "role", "member, admin or owner")).value_or("member");
  return NewPerson{.name = TRY(read_string(object, "name", "a text")).value_or(""),
                   .role = TRY(service::parse_role(role))};
}

std::string people_body(std::span<const ManagedKey> people) {
  std::string text = "{\"people\":[";
  for (const ManagedKey& each : people) {
    if (text.back() == '}') text += ',';
    text += person_body(each.key, each.shown);
  }
  return text + "]}";
}

std::string audit_body(std::span<const service::AuditEvent> events, std::int64_t next_sequence) {
  json items = json::array();
  for (const service::AuditEvent& event : events) {
    items.push_back({{"eventId", fmt::format("{}", event.sequence)},
                     {"eventTime", to_timestamp(event.at_ms)},
                     {"description", fmt::format("{} {} {}", event.deed.action, event.deed.target,
                                                 event.deed.detail)},
                     {"user", {{"userId", event.deed.actor}}},
                     {"requestId", event.deed.request_id}});
  }
  json value = {{"events", std::move(items)}};
  if (next_sequence > 0) value["nextPageToken"] = fmt::format("{}", next_sequence);
  return text_of(value);
}

}  // namespace imagined::api::wire
