// Keys and the audit log, for people: the paths of xAI's management API (xai-api.md 1.19), and more
// capacity, which a customer asks for and a person grants.
#include <algorithm>
#include <charconv>

#include "api/http/routes.h"
#include "api/wire/management.h"

namespace imagined::api {
namespace {

using service::KeyDesk;

constexpr int kAuditPage = 200;

KeyDesk::Visit visit(const Exchange& exchange, std::string_view team_id = {}) {
  return {.caller = *exchange.caller, .request_id = exchange.id, .team_id = team_id};
}

wire::ShownKey shown(const Context& context, const service::ApiKey& key, std::string secret = {}) {
  return {.redacted = context.services.keys.redacted(key), .secret = std::move(secret)};
}

/// `work()`, which blocks and gives the body of the reply.
template <class Work>
Async<Result<Response>> reply_with(const Context& context, Work work) {
  auto body = co_await on_pool(context.pool, std::move(work));
  if (!body) co_return tl::unexpected(std::move(body.error()));
  co_return json_reply(std::move(*body));
}

Async<Result<Response>> decide(const Context& context, Exchange& exchange, bool granted) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto key =
        TRY(context.services.desk.decide_capacity(visit(exchange), exchange.params["id"], granted));
    return wire::managed_key_body(key, shown(context, key));
  });
}

/// The number behind `pageToken=`; the first row without one.
std::int64_t first_sequence(std::string_view query) {
  constexpr std::string_view kToken = "pageToken=";
  std::int64_t sequence = 1;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.starts_with(kToken))
      std::from_chars(pair.data() + kToken.size(), pair.data() + pair.size(), sequence);
  }
  return sequence;
}

}  // namespace

Async<Result<Response>> list_keys(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto keys = TRY(context.services.desk.list(visit(exchange, exchange.params["team_id"])));
    std::vector<wire::ManagedKey> rows;
    for (const service::ApiKey& key : keys)
      rows.push_back({.key = key, .shown = shown(context, key)});
    return wire::managed_keys_body(rows);
  });
}

Async<Result<Response>> create_key(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const std::int64_t now_ms = context.services.clock.unix_ms();
    const auto wish = TRY(wire::parse_new_key(exchange.request.body, now_ms));
    const auto made =
        TRY(context.services.desk.create(visit(exchange, exchange.params["team_id"]), wish));
    return wire::managed_key_body(made.row, shown(context, made.row, made.secret));
  });
}

Async<Result<Response>> change_key(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const std::int64_t now_ms = context.services.clock.unix_ms();
    const auto patch = [&](service::KeyWish wish) {
      return wire::patch_key(exchange.request.body, std::move(wish), now_ms);
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

Async<Result<Response>> grant_capacity(const Context& context, Exchange& exchange) {
  co_return co_await decide(context, exchange, true);
}

Async<Result<Response>> deny_capacity(const Context& context, Exchange& exchange) {
  co_return co_await decide(context, exchange, false);
}

Async<Result<Response>> validate_management_key(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto key = TRY(context.services.desk.own(visit(exchange)));
    return wire::validation_body(key, shown(context, key));
  });
}

Async<Result<Response>> list_audit_events(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const std::int64_t first = first_sequence(exchange.request.query);
    const auto page = TRY(context.services.desk.audit(visit(exchange, exchange.params["team_id"]),
                                                      first, kAuditPage));
    return wire::audit_body(page.events, page.next_sequence);
  });
}

}  // namespace imagined::api
