// What people ask of their team as a whole, as xAI's management API has it (xai-api.md 1.19):
// protobuf's JSON, so 64-bit numbers are texts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/wire/replies.h"
#include "service/accounts/capacity.h"
#include "service/accounts/usage_desk.h"
#include "service/ports/ledger_store.h"

namespace imagined::api::wire {

/// `{"clusterConfigs": [{"imageGenerationModels": [...], ...}]}`: this server is the one cluster.
/// `rates` are those of a key that has none of its own.
std::string team_models_body(const service::Catalogue& catalogue,
                             const service::WorkerPool& workers, const service::Rates& rates);
/// `{"acls": [...]}`: what the endpoint ACLs of a key can be.
std::string team_endpoints_body();
/// `{"icPropagation": {...}}`: a change of a key holds from its commit on.
std::string propagation_body();
/// `{"spendingLimits": {...}}` in US cents: the server's limit is xAI's hard one, the team's own
/// the soft one. Empty without either.
std::string spending_limits_body(const service::SpendingLimits& limits);

/// `{"desiredSoftSpendingLimit": {"val": "1250"}}` in US cents, as a text or a number: in USD
/// ticks; none for null. `unprocessable` and `invalid_argument` name the field.
Result<std::optional<std::int64_t>> parse_spending_limit(std::string_view body);
/// `{"thisBpSoftSpendingLimit": {"val": "1250"}}`.
std::string spending_limit_set_body(std::optional<std::int64_t> usd_ticks);

/// `{"analyticsRequest": {...}}` of POST .../usage.
struct UsageQuestion {
  service::UsageFilter filter;
  bool by_model = false;  // `groupBy: ["description"]`
};
/// `unprocessable` and `invalid_argument` name the field: what is asked for is the sum of dollars
/// of each day of UTC, and nothing else.
Result<UsageQuestion> parse_usage_question(std::string_view body, std::int64_t now_unix_ms);
/// `{"timeSeries": [...], "limitReached"}`; `rows` in the order of their days.
std::string usage_series_body(std::span<const service::UsageRow> rows, bool by_model,
                              bool limit_reached);

}  // namespace imagined::api::wire
