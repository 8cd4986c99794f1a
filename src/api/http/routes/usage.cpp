// What a team has ordered and paid, for people.
#include "api/wire/usage.h"
#include "api/http/query.h"
#include "api/http/routes.h"
#include "base/timestamp.h"

namespace imagined::api {
namespace {

constexpr std::int64_t kRows = 1000;  // rows, unless the request says how many
constexpr std::int64_t kRowsMax = 10'000;

Result<service::UsageFilter> read_filter(const Query& query) {
  service::UsageFilter filter;
  filter.key_id = query["key"];
  filter.user = query["user"];
  const Period period = TRY(parse_period(query["from"], query["until"]));
  filter.from_ms = period.from_ms;
  filter.until_ms = period.until_ms;
  filter.rows_max = TRY(query.number("pageSize", kRows, 1, kRowsMax));
  filter.first_row = TRY(query.number("pageToken", 0, 0, INT64_MAX));
  return filter;
}

Result<bool> wants_csv(const Query& query) {
  const std::string_view format = query["format"];
  if (format.empty() || format == "json") return false;
  if (format == "csv") return true;
  return fail(ErrorCode::unprocessable, "format: expected json or csv", "format");
}

Result<Response> usage_reply(const Context& context, const Exchange& exchange) {
  const Query query = TRY(Query::parse(
      exchange.request.query, {"from", "until", "key", "user", "format", "pageSize", "pageToken"}));
  const bool csv = TRY(wants_csv(query));
  const auto filter = TRY(read_filter(query));
  const auto page = TRY(context.services.usage.usage(
      {*exchange.caller, exchange.id, exchange.params["team_id"]}, filter));
  if (!csv) return json_reply(wire::usage_body(page.rows, page.next_row));
  Response response{.body = wire::usage_csv(page.rows)};
  response.headers.add("content-type", "text/csv; charset=utf-8; header=present");
  if (page.next_row > 0) response.headers.add("x-next-page-token", std::to_string(page.next_row));
  return response;
}

}  // namespace

Async<Result<Response>> show_usage(const Context& context, Exchange& exchange) {
  co_return co_await on_pool(context.pool, [&] { return usage_reply(context, exchange); });
}

}  // namespace imagined::api
