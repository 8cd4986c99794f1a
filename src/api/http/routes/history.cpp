// What a team has made and is making, for people.
#include "api/wire/history.h"
#include "api/http/query.h"
#include "api/http/routes.h"

namespace imagined::api {
namespace {

using service::HistoryDesk;
using service::Visit;

constexpr std::int64_t kMade = 50;  // rows, unless the request says how many
constexpr std::int64_t kMadeMax = 500;

Visit team_visit(const Exchange& exchange) {
  return {
      .caller = *exchange.caller, .request_id = exchange.id, .team_id = exchange.params["team_id"]};
}

Result<HistoryDesk::Wish> read_wish(const Query& query) {
  const auto count = TRY(query.number("pageSize", kMade, 1, kMadeMax));
  return HistoryDesk::Wish{
      .words = query["search"], .before = query["pageToken"], .count_max = static_cast<int>(count)};
}

Result<Query> read_page_query(const Exchange& exchange) {
  return Query::parse(exchange.request.query, {"search", "pageToken", "pageSize"});
}

}  // namespace

Async<Result<Response>> list_made_pictures(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const Query query = TRY(read_page_query(exchange));
    const auto wish = TRY(read_wish(query));
    const auto page = TRY(context.services.history.pictures(team_visit(exchange), wish));
    const std::string base = base_url(context.options, exchange);
    std::vector<wire::LinkedMadePicture> rows;
    for (const service::MadePicture& made : page.rows)
      rows.push_back({.made = made, .url = context.services.links.url_of(made.picture, base)});
    return wire::pictures_body(rows, page.next);
  });
}

Async<Result<Response>> delete_picture(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    TRY(context.services.history.remove(team_visit(exchange), exchange.params["id"]));
    return std::string("{}");
  });
}

Async<Result<Response>> revoke_links(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto picture =
        TRY(context.services.history.readdress(team_visit(exchange), exchange.params["id"]));
    const std::string base = base_url(context.options, exchange);
    return wire::link_body(picture.id, context.services.links.url_of(picture, base));
  });
}

Async<Result<Response>> list_jobs(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const Query query = TRY(read_page_query(exchange));
    const auto wish = TRY(read_wish(query));
    return wire::jobs_body(TRY(context.services.history.jobs(team_visit(exchange), wish)));
  });
}

Async<Result<Response>> list_blocked(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const Query query = TRY(Query::parse(exchange.request.query, {"pageSize"}));
    const auto count = TRY(query.number("pageSize", kMade, 1, kMadeMax));
    return wire::blocked_body(
        TRY(context.services.history.blocked(team_visit(exchange), static_cast<int>(count))));
  });
}

Async<Result<Response>> list_refusals(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    return wire::refused_body(TRY(context.services.history.refused(team_visit(exchange))));
  });
}

Async<Result<Response>> show_work(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const Visit asker{.caller = *exchange.caller, .request_id = exchange.id};
    return wire::work_body(TRY(context.services.history.work(asker)));
  });
}

Async<Result<Response>> show_budgets(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    return wire::budgets_body(TRY(context.services.usage.budgets(team_visit(exchange))));
  });
}

}  // namespace imagined::api
