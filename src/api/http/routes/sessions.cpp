// People who sign in to the console.
#include "api/wire/sessions.h"
#include "api/http/routes.h"
#include "api/http/session_cookie.h"
#include "api/wire/management.h"
#include "service/accounts/password.h"

namespace imagined::api {
namespace {

using service::Sessions;

Response not_stored(Response response) {
  response.headers.set("cache-control", "no-store");
  return response;
}

bool is_encrypted(const Exchange& exchange) { return exchange.origin.scheme == "https"; }

Response begun_reply(const Exchange& exchange, const Sessions::Begun& begun,
                     std::string management_key = {}) {
  Response response =
      not_stored(json_reply(wire::session_body({.person = begun.person,
                                                .csrf_token = service::csrf_token(begun.token),
                                                .ends_ms = begun.ends_ms,
                                                .management_key = std::move(management_key)})));
  response.headers.add("set-cookie", session_cookie(begun.token, service::kSessionLifeMs / 1000,
                                                    is_encrypted(exchange)));
  return response;
}

Result<Response> begin_session(const Context& context, const Exchange& exchange) {
  const wire::SignIn in = TRY(wire::parse_sign_in(exchange.request.body));
  const std::string from = exchange.origin.client.to_string();
  return begun_reply(
      exchange,
      TRY(context.services.sessions.sign_in(
          {.name = in.name, .password = in.password, .from = from, .request_id = exchange.id})));
}

// With a password the first owner is signed in at once, and has the key for programs.
Result<Response> claim(const Context& context, const Exchange& exchange) {
  const Services& services = context.services;
  const wire::OwnerClaim wish = TRY(wire::parse_owner_claim(exchange.request.body));
  std::string name;
  if (!wish.password.empty()) {
    name = TRY(service::parse_login_name(wish.name));
    TRY(service::check_password(wish.password, name));
  }
  const auto made = TRY(services.first_owner.claim(wish.token, wish.name, exchange.id));
  if (wish.password.empty())
    return json_reply(wire::person_body(
        made.row, {.redacted = services.keys.redacted(made.row), .secret = made.secret}));
  const service::Caller owner{
      .owner = {.org_id = made.row.org_id, .team_id = made.row.team_id, .key_id = made.row.id},
      .role = made.row.role};
  const service::Visit visit{.caller = owner, .request_id = exchange.id};
  TRY(services.sessions.set_password(visit,
                                     {.name = name, .password = wish.password, .has_key = true}));
  return begun_reply(exchange, TRY(services.sessions.begin(visit)), made.secret);
}

Result<Response> show(const Context& context, const Exchange& exchange) {
  if (exchange.session.empty())
    return fail(ErrorCode::not_found, "this request came with a key and not with a session");
  const auto ends_ms = TRY(context.services.sessions.ends_ms(exchange.session));
  const auto person = TRY(context.services.keys.find(exchange.caller->owner.key_id));
  return not_stored(
      json_reply(wire::session_body({.person = person,
                                     .csrf_token = service::csrf_token(exchange.session),
                                     .ends_ms = ends_ms})));
}

Result<Response> end(const Context& context, const Exchange& exchange) {
  if (exchange.session.empty())
    return fail(ErrorCode::not_found, "this request came with a key and not with a session");
  TRY(context.services.sessions.sign_out({.caller = *exchange.caller, .request_id = exchange.id},
                                         exchange.session));
  Response response = not_stored(json_reply(std::string("{}")));
  response.headers.add("set-cookie", session_cookie("", 0, is_encrypted(exchange)));
  return response;
}

Result<Response> set(const Context& context, const Exchange& exchange) {
  auto wish = TRY(wire::parse_password(exchange.request.body));
  wish.has_key = exchange.session.empty();
  TRY(context.services.sessions.set_password(
      {.caller = *exchange.caller, .request_id = exchange.id}, wish));
  return not_stored(json_reply(std::string("{}")));
}

}  // namespace

Async<Result<Response>> sign_in(const Context& context, Exchange& exchange) {
  co_return co_await on_pool(context.pool, [&] { return begin_session(context, exchange); });
}

// Open to all, for there is no key yet: the token is what one must have.
Async<Result<Response>> claim_first_owner(const Context& context, Exchange& exchange) {
  co_return co_await on_pool(context.pool, [&] { return claim(context, exchange); });
}

Async<Result<Response>> show_session(const Context& context, Exchange& exchange) {
  co_return co_await on_pool(context.pool, [&] { return show(context, exchange); });
}

Async<Result<Response>> sign_out(const Context& context, Exchange& exchange) {
  co_return co_await on_pool(context.pool, [&] { return end(context, exchange); });
}

Async<Result<Response>> set_password(const Context& context, Exchange& exchange) {
  co_return co_await on_pool(context.pool, [&] { return set(context, exchange); });
}

}  // namespace imagined::api
