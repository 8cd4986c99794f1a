#include "api/http/middleware.h"

#include <fmt/format.h>

#include "api/http/router.h"
#include "api/http/session_cookie.h"
#include "api/http/tally.h"
#include "api/http/unserved.h"
#include "api/wire/errors.h"
#include "api/wire/limit_headers.h"
#include "api/wire/replies.h"
#include "base/crypto.h"
#include "base/ids.h"
#include "base/log.h"

namespace imagined::api {
namespace {

using Step = Async<Result<std::optional<Response>>>;

// What a page on another origin may read of a reply.
constexpr std::string_view kExposedHeaders =
    "x-request-id, x-metrics-e2e-ms, x-cache, x-imagined-warning, retry-after, x-should-retry, "
    "x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-ratelimit-limit-requests, "
    "x-ratelimit-remaining-requests, x-ratelimit-reset-requests, ratelimit-policy, ratelimit, "
    "x-next-page-token";

// The value of a parameter of a content type (`; name=value`), without quotes; empty: there is
// none.
std::string_view parameter(std::string_view content_type, std::string_view name) {
  while (true) {
    const auto semicolon = content_type.find(';');
    if (semicolon == std::string_view::npos) return {};
    content_type.remove_prefix(semicolon + 1);
    const auto pair = trim(content_type.substr(0, content_type.find(';')));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || !equal_ignoring_case(pair.substr(0, equals), name)) {
      continue;
    }
    const auto value = pair.substr(equals + 1);
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return quoted ? value.substr(1, value.size() - 2) : value;
  }
}

bool is_read_by(BodyKind kind, std::string_view media_type) {
  const bool json = equal_ignoring_case(media_type, "application/json");
  const bool multipart = equal_ignoring_case(media_type, "multipart/form-data");
  switch (kind) {
    case BodyKind::none:
      return true;
    case BodyKind::json:
      return json;
    case BodyKind::multipart:
      return multipart;
    case BodyKind::json_or_multipart:
      return json || multipart;
  }
  return false;
}

std::string_view wanted_types(BodyKind kind) {
  switch (kind) {
    case BodyKind::multipart:
      return "multipart/form-data";
    case BodyKind::json_or_multipart:
      return "application/json or multipart/form-data";
    case BodyKind::none:
    case BodyKind::json:
      break;
  }
  return "application/json";
}

// UTF-8 under the names that clients give it, and ASCII, which is part of it.
bool is_utf8_name(std::string_view charset) {
  return charset.empty() || equal_ignoring_case(charset, "utf-8") ||
         equal_ignoring_case(charset, "utf8") || equal_ignoring_case(charset, "us-ascii");
}

double elapsed_ms(const Exchange& exchange) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() -
                                                   exchange.started)
      .count();
}

}  // namespace

void begin(const Context& context, Exchange& exchange) {
  exchange.id = make_uuid(context.services.clock);
  exchange.origin.client = exchange.peer;
}

Step answer_preflight(const Context& context, Exchange& exchange) {
  if (exchange.request.method != "OPTIONS") co_return std::nullopt;
  Response response{.status = 204};
  if (!context.options.cors_origin.empty()) {
    const auto asked = exchange.request.headers.find("access-control-request-headers");
    response.headers.add("access-control-allow-methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
    response.headers.add(
        "access-control-allow-headers",
        asked.empty() ? "Authorization, Content-Type, Idempotency-Key" : std::string(asked));
    response.headers.add("access-control-max-age", "600");
  }
  co_return response;
}

Step check_origin(const Context& context, Exchange& exchange) {
  const Request& request = exchange.request;
  const ProxyList& trusted = context.options.trusted_proxies;
  exchange.origin =
      find_origin(request, exchange.peer, trusted, exchange.is_encrypted ? "https" : "http");
  const std::string& authority = request.target_authority;
  if (!authority.empty() && !names_this_server(authority, own_names(context.options, exchange))) {
    co_return fail(ErrorCode::misdirected,
                   fmt::format("this server is not {:?}, and it is no proxy", authority));
  }
  const IpAddress client = counted_address(request, exchange.peer, trusted);
  if (client != exchange.peer) {
    auto place = context.clients.enter(client);
    if (!place) {
      co_return fail(ErrorCode::resource_exhausted,
                     "this address has too many requests in work; wait for one to end");
    }
    exchange.place = std::move(*place);
  }
  co_return std::nullopt;
}

Step find_route(const Context& context, Exchange& exchange) {
  const Request& request = exchange.request;
  RouteMatch match = match_route(all_routes(), request.method, request.path);
  exchange.route = match.route;
  exchange.params = std::move(match.params);
  if (match.route != nullptr) co_return std::nullopt;
  if (match.allow.empty())
    co_return tl::unexpected(unserved(all_routes(), request.method, request.path));
  if (auto known = known_and_unserved(request.method, request.path))
    co_return tl::unexpected(std::move(*known));
  Response response =
      error_reply(context, exchange,
                  Error{ErrorCode::method_not_allowed,
                        fmt::format("this path takes {}, not {}", match.allow, request.method)});
  response.headers.add("allow", match.allow);
  co_return response;
}

namespace {

// A browser sends the cookie with whatever asks for our address; the header only our own page adds.
Step enter_by_session(const Context& context, Exchange& exchange, std::string_view token) {
  const std::string& method = exchange.request.method;
  const bool changes = method != "GET" && method != "HEAD";
  if (changes && !equal_constant_time(exchange.request.headers.find(kCsrfHeader),
                                      service::csrf_token(token))) {
    co_return fail(ErrorCode::permission_denied,
                   fmt::format("a request that changes something with a session needs the {} that "
                               "GET /auth/session tells",
                               kCsrfHeader));
  }
  auto caller =
      co_await on_pool(context.pool, [&] { return context.services.sessions.authenticate(token); });
  if (!caller) co_return tl::unexpected(std::move(caller.error()));
  exchange.caller = std::move(*caller);
  exchange.session = token;
  co_return std::nullopt;
}

}  // namespace

Step authenticate(const Context& context, Exchange& exchange) {
  if (exchange.route->access == Access::open) co_return std::nullopt;
  const Headers& headers = exchange.request.headers;
  if (const auto token = session_token(headers); !token.empty() && !headers.has("authorization"))
    co_return co_await enter_by_session(context, exchange, token);
  if (headers.count("authorization") > 1) {
    co_return fail(ErrorCode::invalid_argument, "authorization is given more than once");
  }
  std::optional<std::string_view> authorization;
  if (headers.has("authorization")) authorization = headers.find("authorization");
  const auto usable = exchange.route->access == Access::known_key ? service::Usable::sometime
                                                                  : service::Usable::now;
  // Of this machine itself come the clients of a proxy, too, and whoever tries things out.
  const IpAddress& client = exchange.origin.client;
  const std::string from = client.is_loopback() ? std::string() : client.to_string();
  service::Relay* const relay =
      exchange.route->access == Access::key_and_spending ? context.services.relay : nullptr;
  auto caller = co_await on_pool(context.pool, [&] {
    auto found = context.services.keys.authenticate(authorization, usable, from);
    if (!found || relay == nullptr) return found;
    // Where this fails, who needs it looks again and says why.
    if (auto left = relay->spending(*found)) exchange.spending = std::move(*left);
    return found;
  });
  if (!caller) co_return tl::unexpected(std::move(caller.error()));
  exchange.caller = std::move(*caller);
  co_return std::nullopt;
}

Step check_content_type(const Context&, Exchange& exchange) {
  const BodyKind kind = exchange.route->body.kind;
  if (kind == BodyKind::none) co_return std::nullopt;
  const Headers& headers = exchange.request.headers;
  const auto type = headers.find("content-type");
  if (headers.count("content-type") != 1 ||
      !is_read_by(kind, trim(type.substr(0, type.find(';'))))) {
    co_return fail(
        ErrorCode::unsupported_media_type,
        fmt::format("the content type is {:?}, this route reads {}", type, wanted_types(kind)));
  }
  const auto charset = parameter(type, "charset");
  if (!is_utf8_name(charset)) {
    co_return fail(ErrorCode::unsupported_media_type,
                   fmt::format("the charset is {:?}, this route reads UTF-8", charset));
  }
  const auto coding = headers.find("content-encoding");
  if (!coding.empty() && !equal_ignoring_case(coding, "identity")) {
    co_return fail(ErrorCode::unsupported_media_type,
                   fmt::format("the content encoding is {:?}, this route reads none", coding));
  }
  co_return std::nullopt;
}

Step open_sink(const Context& context, Exchange& exchange) {
  if (exchange.route->make_sink != nullptr) {
    exchange.sink = exchange.route->make_sink(context, exchange);
  }
  co_return std::nullopt;
}

void add_request_id(const Context&, const Exchange& exchange, Response& response) {
  response.headers.set("x-request-id", exchange.id);
}

void add_cors(const Context& context, const Exchange&, Response& response) {
  if (context.options.cors_origin.empty()) return;
  response.headers.set("access-control-allow-origin", context.options.cors_origin);
  response.headers.set("access-control-expose-headers", std::string(kExposedHeaders));
}

void add_limits(const Context& context, const Exchange& exchange, Response& response) {
  if (!exchange.limits) return;
  for (wire::LimitHeader& header :
       wire::limit_headers(*exchange.limits, context.services.clock.unix_ms()))
    response.headers.set(header.name, std::move(header.value));
}

void add_duration(const Context&, const Exchange& exchange, Response& response) {
  response.headers.set("x-metrics-e2e-ms", fmt::format("{:.1f}", elapsed_ms(exchange)));
}

void count_reply(const Context& context, const Exchange& exchange, Response& response) {
  const Route* route = exchange.route;
  context.tally.request({.method = route == nullptr ? "" : route->method,
                         .pattern = route == nullptr ? "" : route->pattern,
                         .status = response.status,
                         .seconds = elapsed_ms(exchange) / 1000});
}

void write_log_line(const Context& context, const Exchange& exchange, Response& response) {
  log(exchange.route == nullptr ? LogLevel::info : exchange.route->log_level, "request",
      "request_id={} client={} method={} path={:?} status={} ms={:.1f} key={} job={}", exchange.id,
      exchange.origin.client.to_string(), exchange.request.method,
      context.services.keys.without_keys(exchange.request.path).substr(0, 256), response.status,
      elapsed_ms(exchange), exchange.caller ? exchange.caller->owner.key_id : "-",
      exchange.job_id.empty() ? "-" : exchange.job_id);
}

Response error_reply(const Context& context, const Exchange& exchange, const Error& error) {
  const wire::ErrorStyle& style = context.options.errors;
  const int status = wire::error_status(error, style);
  if (!error.detail.empty() || status >= 500) {
    log(status >= 500 ? LogLevel::error : LogLevel::info, "request_failed",
        "request_id={} status={} message={:?} detail={:?}", exchange.id, status, error.message,
        error.detail);
  }
  context.services.outcomes.refused(error, exchange.over_limit);
  Response response =
      json_reply(wire::error_body(error, exchange.id, style, exchange.charged_usd_ticks), status);
  if (status == 401) response.headers.add("www-authenticate", "Bearer");
  const wire::RetryAdvice advice = wire::retry_advice(error);
  if (advice.after_s > 0) response.headers.add("retry-after", std::to_string(advice.after_s));
  if (advice.retry != Retry::by_code) {
    response.headers.add("x-should-retry", advice.retry == Retry::yes ? "true" : "false");
  }
  return response;
}

Response failure_reply(const Context& context, const Exchange& exchange, const Error& error) {
  const ModeratedAnswer answer = context.options.moderated;
  // An answer of a conversation has no list of pictures that could be empty.
  if (answer == ModeratedAnswer::error || error.reason != ErrorReason::content_moderated ||
      exchange.ordered == 0)
    return error_reply(context, exchange, error);
  context.services.outcomes.refused(error, exchange.over_limit);
  const std::int64_t now_s = context.services.clock.unix_ms() / 1000;
  wire::ImagesBody body(now_s, wire::kImagesBodyBytes);
  for (int i = 0; i < exchange.ordered && answer == ModeratedAnswer::marked; ++i)
    body.add_refused();
  return json_reply(std::move(body).finish({.cost_usd_ticks = exchange.charged_usd_ticks}));
}

Response refusal_reply(const Context& context, const Exchange& exchange, const HeadError& error) {
  Response response = json_reply(
      wire::refusal_body(error.status, error.message, exchange.id, context.options.errors),
      error.status);
  response.close = true;
  return response;
}

}  // namespace imagined::api
