#include "api/http/middleware.h"

#include <fmt/format.h>

#include "api/http/router.h"
#include "api/wire/errors.h"
#include "base/ids.h"
#include "base/log.h"

namespace imagined::api {
namespace {

using Step = Async<Result<std::optional<Response>>>;

// What a page on another origin may read of a reply.
constexpr std::string_view kExposedHeaders =
    "x-request-id, x-metrics-e2e-ms, retry-after, x-should-retry, x-ratelimit-limit, "
    "x-ratelimit-remaining, x-ratelimit-reset";

Response json_reply(int status, std::string body) {
  Response response{.status = status, .body = std::move(body)};
  response.headers.add("content-type", "application/json");
  return response;
}

bool is_json_utf8(std::string_view content_type) {
  const auto semicolon = content_type.find(';');
  if (!equal_ignoring_case(trim(content_type.substr(0, semicolon)), "application/json")) {
    return false;
  }
  if (semicolon == std::string_view::npos) return true;
  const auto parameter = trim(content_type.substr(semicolon + 1));
  return parameter.empty() || equal_ignoring_case(parameter, "charset=utf-8") ||
         equal_ignoring_case(parameter, "charset=\"utf-8\"");
}

double elapsed_ms(const Exchange& exchange) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() -
                                                   exchange.started)
      .count();
}

}  // namespace

void begin(const Context& context, Exchange& exchange) {
  exchange.id = make_uuid(context.services.clock);
}

Step answer_preflight(const Context& context, Exchange& exchange) {
  if (exchange.request.method != "OPTIONS") co_return std::nullopt;
  Response response{.status = 204};
  if (!context.options.cors_origin.empty()) {
    const auto asked = exchange.request.headers.find("access-control-request-headers");
    response.headers.add("access-control-allow-methods", "GET, HEAD, POST, OPTIONS");
    response.headers.add("access-control-allow-headers",
                         asked.empty() ? "Authorization, Content-Type" : std::string(asked));
    response.headers.add("access-control-max-age", "600");
  }
  co_return response;
}

Step find_route(const Context&, Exchange& exchange) {
  const Request& request = exchange.request;
  RouteMatch match = match_route(all_routes(), request.method, request.path);
  exchange.route = match.route;
  exchange.param = std::move(match.param);
  if (match.route != nullptr) co_return std::nullopt;
  if (match.allow.empty()) co_return fail(ErrorCode::not_found, "there is nothing at this path");
  Response response = error_reply(
      exchange, Error{ErrorCode::method_not_allowed,
                      fmt::format("this path takes {}, not {}", match.allow, request.method)});
  response.headers.add("allow", match.allow);
  co_return response;
}

Step authenticate(const Context& context, Exchange& exchange) {
  if (exchange.route->access == Access::open) co_return std::nullopt;
  const Headers& headers = exchange.request.headers;
  if (headers.count("authorization") > 1) {
    co_return fail(ErrorCode::invalid_argument, "authorization is given more than once");
  }
  std::optional<std::string_view> authorization;
  if (headers.has("authorization")) authorization = headers.find("authorization");
  auto key = co_await on_pool(context.pool,
                              [&] { return context.services.keys.authenticate(authorization); });
  if (!key) co_return tl::unexpected(std::move(key.error()));
  exchange.key = std::move(*key);
  co_return std::nullopt;
}

Step check_content_type(const Context&, Exchange& exchange) {
  if (exchange.route->body != Body::json) co_return std::nullopt;
  const Headers& headers = exchange.request.headers;
  if (headers.count("content-type") != 1 || !is_json_utf8(headers.find("content-type"))) {
    co_return fail(ErrorCode::unsupported_media_type,
                   fmt::format("the content type is \"{}\", this route reads application/json",
                               headers.find("content-type")));
  }
  const auto coding = headers.find("content-encoding");
  if (!coding.empty() && !equal_ignoring_case(coding, "identity")) {
    co_return fail(ErrorCode::unsupported_media_type,
                   fmt::format("the content encoding \"{}\" is not read here", coding));
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

void add_duration(const Context&, const Exchange& exchange, Response& response) {
  response.headers.set("x-metrics-e2e-ms", fmt::format("{:.1f}", elapsed_ms(exchange)));
}

void write_log_line(const Context&, const Exchange& exchange, Response& response) {
  const bool probe = exchange.route != nullptr && exchange.route->pattern.ends_with("z");
  log(probe ? LogLevel::debug : LogLevel::info, "request",
      "request_id={} method={} path={:?} status={} ms={:.1f} key={} job={}", exchange.id,
      exchange.request.method, exchange.request.path.substr(0, 256), response.status,
      elapsed_ms(exchange), exchange.key ? exchange.key->id : "-",
      exchange.job_id.empty() ? "-" : exchange.job_id);
}

Response error_reply(const Exchange& exchange, const Error& error) {
  const wire::ErrorRow& row = wire::error_row(error.code);
  if (!error.detail.empty() || row.status >= 500) {
    log(row.status >= 500 ? LogLevel::error : LogLevel::info, "request_failed",
        "request_id={} status={} message={:?} detail={:?}", exchange.id, row.status, error.message,
        error.detail);
  }
  Response response = json_reply(row.status, wire::error_body(error, exchange.id));
  if (row.status == 401) response.headers.add("www-authenticate", "Bearer");
  const wire::RetryAdvice advice = wire::retry_advice(error);
  if (advice.after_s > 0) response.headers.add("retry-after", std::to_string(advice.after_s));
  if (advice.retry != Retry::by_code) {
    response.headers.add("x-should-retry", advice.retry == Retry::yes ? "true" : "false");
  }
  return response;
}

Response refusal_reply(const Exchange& exchange, const HeadError& error) {
  Response response =
      json_reply(error.status, wire::refusal_body(error.status, error.message, exchange.id));
  response.close = true;
  return response;
}

}  // namespace imagined::api
