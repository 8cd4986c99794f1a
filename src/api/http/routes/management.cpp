// Keys and the audit log, for people: the paths of xAI's management API (xai-api.md 1.19), and more
// capacity, which a customer asks for and a person grants.
#include "api/wire/management.h"
#include "api/http/query.h"
#include "api/http/routes.h"

namespace imagined::api {
namespace {

using service::Visit;

constexpr std::int64_t kPage = 200;  // rows of a list, unless the request says how many
constexpr std::int64_t kPageMax = 1000;

Visit visit(const Exchange& exchange, std::string_view team_id = {}) {
  return {.caller = *exchange.caller, .request_id = exchange.id, .team_id = team_id};
}

wire::ShownKey shown(const Context& context, const service::ApiKey& key, std::string secret = {}) {
  return {.redacted = context.services.keys.redacted(key), .secret = std::move(secret)};
}

wire::KeyReading reading(const Context& context) {
  return {.catalogue = context.services.catalogue, .now_unix_ms = context.services.clock.unix_ms()};
}

Async<Result<Response>> decide(const Context& context, Exchange& exchange, bool granted) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto key =
        TRY(context.services.desk.decide_capacity(visit(exchange), exchange.params["id"], granted));
    return wire::managed_key_body(key, shown(context, key));
  });
}

}  // namespace

Async<Result<Response>> list_keys(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const Query query = TRY(Query::parse(exchange.request.query, {"pageSize", "paginationToken"}));
    const auto size = TRY(query.number("pageSize", kPage, 1, kPageMax));
    const auto page = TRY(context.services.desk.list(visit(exchange, exchange.params["team_id"]),
                                                     query["paginationToken"], size));
    std::vector<wire::ManagedKey> rows;
    for (const service::ApiKey& key : page.keys)
      rows.push_back({.key = key, .shown = shown(context, key)});
    return wire::managed_keys_body(rows, page.next);
  });
}

Async<Result<Response>> create_key(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto wish = TRY(wire::parse_new_key(exchange.request.body, reading(context)));
    const auto made =
        TRY(context.services.desk.create(visit(exchange, exchange.params["team_id"]), wish));
    return wire::managed_key_body(made.row, shown(context, made.row, made.secret));
  });
}

Async<Result<Response>> change_key(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto patch = [&](service::KeyWish wish) {
      return wire::patch_key(exchange.request.body, std::move(wish), reading(context));
    };
    const auto key =
        TRY(context.services.desk.change(visit(exchange), exchange.params["id"], patch));
    return wire::managed_key_body(key, shown(context, key));
  });
}

Async<Result<Response>> rotate_key(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const std::int64_t now_ms = context.services.clock.unix_ms();
    const auto overlap_ms = TRY(wire::parse_overlap_ms(exchange.request.body, now_ms));
    const auto made =
        TRY(context.services.desk.rotate(visit(exchange), exchange.params["id"], overlap_ms));
    return wire::managed_key_body(made.row, shown(context, made.row, made.secret));
  });
}

Async<Result<Response>> delete_key(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    TRY(context.services.desk.revoke(visit(exchange), exchange.params["id"]));
    return std::string("{}");
  });
}

Async<Result<Response>> show_capacity(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    return wire::capacity_body(TRY(context.services.keys.find(exchange.caller->owner.key_id)));
  });
}

Async<Result<Response>> ask_capacity(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    auto request = TRY(wire::parse_capacity(exchange.request.body));
    return wire::capacity_body(
        TRY(context.services.desk.ask_capacity(visit(exchange), std::move(request))));
  });
}

Async<Result<Response>> ask_capacity_for(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    auto request = TRY(wire::parse_capacity(exchange.request.body));
    const auto key = TRY(context.services.desk.ask_capacity(visit(exchange), exchange.params["id"],
                                                            std::move(request)));
    return wire::managed_key_body(key, shown(context, key));
  });
}

Async<Result<Response>> grant_capacity(const Context& context, Exchange& exchange) {
  co_return co_await decide(context, exchange, true);
}

Async<Result<Response>> deny_capacity(const Context& context, Exchange& exchange) {
  co_return co_await decide(context, exchange, false);
}

Async<Result<Response>> validate_management_key(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto key = TRY(context.services.desk.own(visit(exchange)));
    return wire::person_body(key, shown(context, key));
  });
}

Async<Result<Response>> list_people(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    std::vector<wire::ManagedKey> rows;
    for (const auto& key :
         TRY(context.services.desk.people(visit(exchange, exchange.params["team_id"]))))
      rows.push_back({.key = key, .shown = shown(context, key)});
    return wire::people_body(rows);
  });
}

Async<Result<Response>> add_person(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto wish = TRY(wire::parse_new_person(exchange.request.body));
    const auto made = TRY(context.services.desk.add_person(
        visit(exchange, exchange.params["team_id"]), wish.name, wish.role));
    return wire::person_body(made.row, shown(context, made.row, made.secret));
  });
}

Async<Result<Response>> list_audit_events(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const Query query = TRY(Query::parse(exchange.request.query, {"pageSize", "pageToken"}));
    const auto size = TRY(query.number("pageSize", kPage, 1, kPageMax));
    const auto first = TRY(query.number("pageToken", 1, 1, INT64_MAX));
    const auto page = TRY(context.services.desk.audit(visit(exchange, exchange.params["team_id"]),
                                                      first, static_cast<int>(size)));
    return wire::audit_body(page.events, page.next_sequence);
  });
}

}  // namespace imagined::api
