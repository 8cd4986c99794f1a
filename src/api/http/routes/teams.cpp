// What people ask of their team as a whole, by the paths of xAI's management API (xai-api.md 1.19).
#include "api/http/routes.h"
#include "api/wire/team_replies.h"

namespace imagined::api {
namespace {

constexpr std::int64_t kSeriesRowsMax = 10'000;  // of the books, for one answer

service::Visit asked_by(const Exchange& exchange) {
  return {
      .caller = *exchange.caller, .request_id = exchange.id, .team_id = exchange.params["team_id"]};
}

}  // namespace

Async<Result<Response>> list_team_models(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const Services& services = context.services;
    const auto budgets = TRY(services.usage.budgets(asked_by(exchange)));
    return wire::team_models_body(services.catalogue, services.workers, budgets.rates);
  });
}

Async<Result<Response>> list_team_endpoints(const Context&, Exchange& exchange) {
  if (auto may = service::enter(asked_by(exchange), service::Role::member); !may)
    co_return tl::unexpected(std::move(may.error()));
  co_return json_reply(wire::team_endpoints_body());
}

Async<Result<Response>> show_propagation(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    TRY(context.services.desk.show({.caller = *exchange.caller, .request_id = exchange.id},
                                   exchange.params["id"]));
    return wire::propagation_body();
  });
}

Async<Result<Response>> show_spending_limits(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    return wire::spending_limits_body(
        TRY(context.services.usage.spending_limits(asked_by(exchange))));
  });
}

Async<Result<Response>> set_spending_limit(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto limit = TRY(wire::parse_spending_limit(exchange.request.body));
    TRY(context.services.usage.set_spending_limit(asked_by(exchange), limit));
    return wire::spending_limit_set_body(limit);
  });
}

Async<Result<Response>> analyse_usage(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    auto question =
        TRY(wire::parse_usage_question(exchange.request.body, context.services.clock.unix_ms()));
    question.filter.rows_max = kSeriesRowsMax;
    const auto page = TRY(context.services.usage.usage(asked_by(exchange), question.filter));
    return wire::usage_series_body(page.rows, question.by_model, page.next_row > 0);
  });
}

}  // namespace imagined::api
