#include "api/http/relay.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/wire/errors.h"
#include "api/wire/picture_events.h"
#include "api/wire/relayed.h"
#include "api/wire/said_error.h"
#include "base/text.h"

namespace imagined::api {
namespace {

using service::UpstreamNews;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kCommentInterval{15};
constexpr std::chrono::hours kLong{1};             // the client of HTTP gives up before
constexpr std::size_t kSmallBytes = 256 * 1024;    // not counted
constexpr std::size_t kWholeBytesMax = 32u << 20;  // of an answer that is no stream

class RelayedEvents final : public EventSource {
 public:
  RelayedEvents(const Context& context, const Exchange& exchange, UpstreamReply attempt,
                UpstreamAsk asked)
      : context_(context),
        exchange_(exchange),
        attempt_(std::move(attempt)),
        api_(asked.api),
        model_(std::move(asked.model)),
        events_(attempt_.is_usage_ours) {}

  Async<std::optional<std::string>> next(std::stop_token client_gone) override {
    while (!client_gone.stop_requested() && attempt_.answer) {
      UpstreamNews news = attempt_.answer->take();
      news.bytes.insert(0, std::exchange(attempt_.first.bytes, {}));
      const auto until = told_at_ + kCommentInterval;
      if (!news.bytes.empty()) {
        usage_.feed(news.bytes);
        std::string passed = events_.feed(std::move(news.bytes));
        if (!passed.empty()) {
          told_at_ = steady_clock::now();
          co_return passed;
        }
      } else if (news.ended) {
        attempt_.answer = nullptr;
        co_await record_use(context_, exchange_, model_, attempt_.route, usage_.usage());
        std::string rest = events_.rest();
        if (news.error) {
          // Half a line is nothing that anybody reads, and would spoil what is said behind it.
          rest.erase(rest.rfind('\n') + 1);
          co_return rest + failed(*news.error);
        }
        if (rest.empty()) co_return std::nullopt;
        co_return rest;
      } else {
        co_await attempt_.told->wait(
            std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()), client_gone);
      }
      if (steady_clock::now() < until) continue;
      told_at_ = steady_clock::now();
      // Never within an event, which is only where a very long one was passed on in part.
      if (events_.is_between_events()) co_return std::string(wire::kAliveEvent);
    }
    attempt_.answer = nullptr;  // nobody is to work for a client that has gone
    co_return std::nullopt;
  }

  std::string failed(const Error& error) override {
    const std::string begin = events_.is_between_events() ? "" : "\n\n";
    return begin + (api_ == wire::ChatApi::completions ? wire::unnamed_error_event(error)
                                                       : wire::error_event(error));
  }

 private:
  const Context& context_;
  const Exchange& exchange_;
  UpstreamReply attempt_;
  const wire::ChatApi api_;
  const std::string model_;
  wire::UsageReader usage_;
  wire::WholeEvents events_;
  steady_clock::time_point told_at_ = steady_clock::now();
};

/// What is neither an answer nor an error: a redirect, nothing, or the page of something else that
/// listens there.
std::optional<Error> no_answer(int status, std::string_view body) {
  body = trim(body);
  if (status >= 400 || (status < 300 && !body.empty() && body.front() != '<')) return std::nullopt;
  std::string what = "nothing";
  if (status >= 300)
    what = "a redirect, and none is followed: `base_url` has to say where it leads";
  else if (const std::string title = wire::said_error_in(body); !body.empty())
    what = title.empty() ? "a page" : fmt::format("a page ({})", title);
  return Error{
      .code = ErrorCode::unavailable,
      .message = fmt::format("the server that has the model answers {} with {}", status, what),
      .field = "model",
      .retry = Retry::no};
}

/// Who asked for a stream and is sent JSON would show nothing of it, though it was made and may be
/// paid for. What is neither may be events under another type, and stays as it came.
bool is_to_be_a_stream(const UpstreamAsk& asked, int status, std::string_view body) {
  return asked.head.stream && status == 200 && trim(body).starts_with('{');
}

Result<std::string> as_stream(const UpstreamAsk& asked, const std::string& body) {
  auto events = wire::as_events(body, asked.head.stream_options.of(asked.body));
  if (!events) {
    events.error().field = "model";
    events.error().retry = Retry::no;
  }
  return events;
}

/// The rest of an answer that is no stream. `content_type` is the answer's then.
Async<Result<Response>> whole(const Context& context, const Exchange& exchange,
                              UpstreamReply attempt, const UpstreamAsk& asked,
                              std::string& content_type) {
  std::string body = std::move(attempt.first.bytes);
  ByteBudget::Hold held;
  bool is_held = false;
  bool has_ended = attempt.first.ended;
  std::optional<Error> error = attempt.first.error;
  while (!has_ended) {
    co_await attempt.told->wait(kLong, exchange.client_gone);
    if (exchange.client_gone.stop_requested())
      co_return fail(ErrorCode::cancelled, "the client has gone away");
    UpstreamNews news = attempt.answer->take();
    body += news.bytes;
    has_ended = news.ended;
    error = std::move(news.error);
    if (body.size() > kWholeBytesMax)
      co_return fail(ErrorCode::unavailable, "the answer of the other server is too long");
    if (body.size() > kSmallBytes && !std::exchange(is_held, true)) {
      auto room = co_await context.budget.take(kWholeBytesMax, context.limits.held_wait,
                                               exchange.client_gone);
      if (!room) co_return fail(ErrorCode::unavailable, kTooManyReplies);
      held = std::move(*room);
    }
  }
  if (error) co_return tl::unexpected(std::move(*error));
  const int status = attempt.first.status;
  if (auto none = no_answer(status, body)) co_return tl::unexpected(std::move(*none));
  if (status == 200 && wire::may_tell_an_error(body)) {
    auto told = co_await on_pool(context.pool, [&] { return wire::error_instead_of_answer(body); });
    if (told) co_return tl::unexpected(std::move(*told));
  }
  if (status == 200) {
    wire::UsageReader usage;
    usage.feed(body);
    if (is_to_be_a_stream(asked, status, body)) {
      auto events = co_await on_pool(context.pool, [&] { return as_stream(asked, body); });
      if (!events) co_return tl::unexpected(std::move(events.error()));
      body = std::move(*events);
      content_type = "text/event-stream";
    }
    co_await record_use(context, exchange, asked.model, attempt.route, usage.usage());
  }
  held.shrink(body.size());
  Response response{.status = status, .body = std::move(body)};
  response.held = std::move(held);
  co_return response;
}

/// Leaves the error of another server as it came, unless all are to have one form, or it is none
/// that a client can read: the page of a proxy before that server.
void tell_error(const Exchange& exchange, const wire::ErrorStyle& style, Response& response,
                std::string& content_type) {
  std::string& body = std::get<std::string>(response.body);
  const bool is_page = !wire::is_json(body);
  if (!is_page && !style.strict_xai) return;
  std::string said = wire::said_error_in(body);
  if (said.empty() || is_page) {
    const std::string status = fmt::format("{}", response.status);
    if (said.empty())
      said = status;
    else if (!said.starts_with(status))  // as titles do: "502 Bad Gateway"
      said = fmt::format("{}: {}", status, said);
    said.insert(0, "the server that has the model answers ");
  }
  body = wire::upstream_error_body(response.status, said, exchange.id, style);
  content_type = "application/json";
  response.held.shrink(body.size());
}

}  // namespace

Async<Result<Response>> pass_on(const Context& context, Exchange& exchange, UpstreamReply attempt,
                                UpstreamAsk asked) {
  const int status = attempt.first.status;
  if (auto refused = key_refusal(status, asked.model))
    co_return tl::unexpected(std::move(*refused));
  std::string content_type = attempt.first.content_type;
  std::string retry_after = attempt.first.retry_after;
  const std::string upstream = attempt.route.upstream->name;
  Result<Response> response = Response{.status = status, .body = std::string()};
  if (status == 200 && content_type.starts_with("text/event-stream")) {
    response->body =
        std::make_unique<RelayedEvents>(context, exchange, std::move(attempt), std::move(asked));
    response->headers.add("cache-control", "no-cache");
    response->headers.add("x-accel-buffering", "no");
  } else {
    response = co_await whole(context, exchange, std::move(attempt), asked, content_type);
    if (!response) co_return response;
    if (status >= 400)
      co_await context.pool.run(
          [&] { tell_error(exchange, context.options.errors, *response, content_type); });
  }
  if (!content_type.empty()) response->headers.add("content-type", std::move(content_type));
  // Of 0 seconds openai-java sends each order twice (findings/openai_java_no_retries.sh).
  if (retry_after == "0") retry_after = "1";
  if (!retry_after.empty()) response->headers.add("retry-after", std::move(retry_after));
  response->headers.add("x-imagined-upstream", upstream);
  co_return response;
}

}  // namespace imagined::api
