#include "api/wire/team_replies.h"

#include <fmt/core.h>

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>

#include "api/wire/json.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "service/billing/money.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

constexpr std::string_view kCluster = "imagined";
constexpr std::int64_t kTicksPerCent = service::kTicksPerUsd / 100;

constexpr std::int64_t kCentsMax = INT64_MAX / kTicksPerCent;

JsonText as_text(std::int64_t number) { return fmt::format("{}", number); }

JsonText in_cents(std::int64_t usd_ticks) {
  return JsonText::object({{"val", as_text(usd_ticks / kTicksPerCent)}});
}

JsonText team_model_value(const OfferedModel& offered, const service::Rates& rates) {
  const service::Model& model = offered.model;
  const auto report = offered.workers.report(model.id);
  JsonText inputs = JsonText::array().push("TEXT");
  if (report && report->abilities && report->abilities->references_max > 0) inputs.push("IMAGE");
  JsonText tiers = JsonText::array();
  for (const auto& [resolution, usd_ticks] :
       {std::pair{"IMAGE_RESOLUTION_1K", model.price_usd_ticks},
        std::pair{"IMAGE_RESOLUTION_2K", model.price_2k_usd_ticks.value_or(model.price_usd_ticks)}})
    tiers.push(
        JsonText::object({{"resolution", resolution}, {"pricePerImage", as_text(usd_ticks)}}));
  return JsonText::object({{"name", model.id},
                           {"version", "1.0"},
                           {"inputModalities", inputs},
                           {"outputModalities", JsonText::array().push("IMAGE")},
                           {"imagePrice", as_text(model.price_usd_ticks)},
                           {"rps", as_text(rates.per_second)},
                           {"rpm", as_text(rates.per_minute)},
                           {"cluster", kCluster},
                           {"aliases", JsonText::array_of(model.aliases)},
                           {"resolutionPricing", tiers},
                           {"pricePerInputImage", as_text(model.price_input_usd_ticks)}});
}

tl::unexpected<Error> says_only(std::string_view field, std::string_view expected,
                                const json& value) {
  return fail(ErrorCode::unprocessable,
              fmt::format("{}: expected {}, got {}", field, expected, shown(value)),
              std::string(field));
}

Result<std::int64_t> read_moment(const json& range, std::string_view name, std::int64_t if_absent,
                                 std::int64_t now_unix_ms) {
  constexpr std::string_view kWithoutZone = "2026-12-31 23:59:59";  // as xAI's console writes it
  auto text = TRY(read_string(range, name, "a time such as 2026-12-31T23:59:59Z"));
  if (!text || text->empty()) return if_absent;
  if (text->size() == kWithoutZone.size()) *text += 'Z';
  return parse_when(*text, now_unix_ms, name);
}

/// The books count in days of UTC.
Result<void> check_timezone(const json& range) {
  constexpr std::string_view kUtc[] = {"", "UTC", "Etc/UTC", "GMT", "Etc/GMT"};
  const auto zone = TRY(read_string(range, "timezone", "UTC")).value_or("");
  if (is_one_of(kUtc, zone)) return {};
  return says_only("timezone", "UTC", json(zone));
}

}  // namespace

std::string team_models_body(const service::Catalogue& catalogue,
                             const service::WorkerPool& workers, const service::Rates& rates) {
  JsonText pictures = JsonText::array();
  for (const service::Model& model : catalogue.models())
    pictures.push(team_model_value({model, workers}, rates));
  const JsonText cluster = JsonText::object({{"languageModels", JsonText::array()},
                                             {"embeddingModels", JsonText::array()},
                                             {"imageGenerationModels", pictures},
                                             {"audioModels", JsonText::array()},
                                             {"videoGenerationModels", JsonText::array()},
                                             {"clusterName", kCluster}});
  return JsonText::object({{"clusterConfigs", JsonText::array().push(cluster)}}).text();
}

std::string team_endpoints_body() {
  struct Endpoint {
    std::string_view value;
    std::string_view description;
  };
  constexpr Endpoint kEndpoints[] = {
      {"*", "Everything"}, {"image", "Pictures, edits and files"}, {"models", "Lists of models"}};
  JsonText acls = JsonText::array();
  for (const Endpoint& endpoint : kEndpoints)
    acls.push(JsonText::object({{"acl", fmt::format("api-key:endpoint:{}", endpoint.value)},
                                {"description", endpoint.description},
                                {"namespace", "api-key"},
                                {"key", "endpoint"},
                                {"value", endpoint.value}}));
  return JsonText::object({{"acls", acls}}).text();
}

std::string propagation_body() {
  return JsonText::object({{"icPropagation", JsonText::object({{kCluster, true}})}}).text();
}

std::string spending_limits_body(const service::SpendingLimits& limits) {
  JsonText body = JsonText::object();
  const auto add = [&body](const char* name, const std::optional<std::int64_t>& usd_ticks) {
    if (usd_ticks) body.add(name, in_cents(*usd_ticks));
  };
  add("hardSlAuto", limits.server_usd_ticks);
  add("effectiveHardSl", limits.server_usd_ticks);
  add("softSl", limits.own_usd_ticks);
  add("effectiveSl", limits.usd_ticks());
  return JsonText::object({{"spendingLimits", body}}).text();
}

Result<std::optional<std::int64_t>> parse_spending_limit(std::string_view body) {
  constexpr std::string_view kField = "desiredSoftSpendingLimit";
  constexpr std::string_view kExpected = "US cents in \"val\", such as \"1250\", or null";
  const json object = TRY(parse_json_object(body));
  if (!object.contains(kField))
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is missing; expected {}", kField, kExpected), std::string(kField));
  const json& limit = object[kField];
  if (limit.is_null()) return std::optional<std::int64_t>();
  if (!limit.is_object()) return says_only(kField, kExpected, limit);
  const json& val = member(limit, "val");
  std::optional<std::int64_t> cents;
  if (val.is_string()) {  // as protobuf writes 64 bits
    const auto& text = val.get_ref<const std::string&>();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) cents = number;
  } else {
    auto number = read_integer(limit, "val", kExpected);
    if (!number) number.error().field = kField;
    cents = TRY(number);
  }
  if (!cents) return says_only(kField, kExpected, val);
  if (*cents > kCentsMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is {} cents, at most {} are allowed", kField, *cents, kCentsMax),
                std::string(kField));
  return std::optional(*cents * kTicksPerCent);
}

std::string spending_limit_set_body(std::optional<std::int64_t> usd_ticks) {
  JsonText body = JsonText::object();
  if (usd_ticks) body.add("thisBpSoftSpendingLimit", in_cents(*usd_ticks));
  return body.text();
}

Result<UsageQuestion> parse_usage_question(std::string_view body, std::int64_t now_unix_ms) {
  const json object = TRY(parse_json_object(body));
  const json& asked = member(object, "analyticsRequest");
  if (!asked.is_object()) return says_only("analyticsRequest", "an object", asked);
  const json& range = member(asked, "timeRange");
  if (!range.is_object() && !range.is_null()) return says_only("timeRange", "an object", range);
  UsageQuestion question;
  if (range.is_object()) {
    TRY(check_timezone(range));
    question.filter.from_ms = TRY(read_moment(range, "startTime", 0, now_unix_ms));
    question.filter.until_ms = TRY(read_moment(range, "endTime", INT64_MAX, now_unix_ms));
  }
  const json& unit = member(asked, "timeUnit");
  if (!unit.is_null() && unit != "TIME_UNIT_DAY")
    return says_only("timeUnit", "TIME_UNIT_DAY", unit);
  const json& values = member(asked, "values");
  static const json kDollars = json::array({{{"name", "usd"}, {"aggregation", "AGGREGATION_SUM"}}});
  if (!values.is_null() && values != kDollars)
    return says_only("values", R"([{"name":"usd","aggregation":"AGGREGATION_SUM"}])", values);
  const json& groups = member(asked, "groupBy");
  question.by_model = groups == json::array({"description"});
  if (!question.by_model && !groups.is_null() && groups != json::array())
    return says_only("groupBy", R"([] or ["description"])", groups);
  const json& filters = member(asked, "filters");
  if (!filters.is_null() && filters != json::array()) return says_only("filters", "none", filters);
  return question;
}

std::string usage_series_body(std::span<const service::UsageRow> rows, bool by_model,
                              bool limit_reached) {
  std::map<std::string, std::map<std::string, std::int64_t>> sums;  // by model, by day
  for (const service::UsageRow& row : rows) {
    std::int64_t& sum = sums[by_model ? row.model : std::string()][row.day];
    sum = service::sum_of(sum, row.usd_ticks);
  }
  JsonText series = JsonText::array();
  for (const auto& [model, days] : sums) {
    JsonText points = JsonText::array();
    for (const auto& [day, usd_ticks] : days) {
      const double usd =
          static_cast<double>(usd_ticks) / static_cast<double>(service::kTicksPerUsd);  // to show
      points.push(JsonText::object(
          {{"timestamp", day + "T00:00:00Z"}, {"values", JsonText::array().push(usd)}}));
    }
    JsonText group = JsonText::array();
    if (by_model) group.push(model);
    series.push(
        JsonText::object({{"group", group}, {"groupLabels", group}, {"dataPoints", points}}));
  }
  return JsonText::object({{"timeSeries", series}, {"limitReached", limit_reached}}).text();
}

}  // namespace imagined::api::wire
