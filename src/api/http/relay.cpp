#include "api/http/relay.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/call/door.h"
#include "api/call/relaying.h"
#include "api/wire/picture_events.h"
#include "base/log.h"

namespace imagined::api {
namespace {

using service::Relay;
using service::UpstreamAnswer;
using service::UpstreamNews;
using service::UpstreamRoute;
using std::chrono::steady_clock;

constexpr int kRoundsMax = 2;
constexpr std::chrono::milliseconds kBackOff{250};
constexpr std::chrono::seconds kCommentInterval{15};
constexpr std::chrono::hours kLong{1};             // the client of HTTP gives up before
constexpr std::size_t kSmallBytes = 256 * 1024;    // not counted
constexpr std::size_t kWholeBytesMax = 32u << 20;  // of an answer that is no stream

constexpr int kTooMany = 429;

bool is_trouble(int status) { return status >= 500 || status == kTooMany || status == 408; }

std::string_view path_of(wire::ChatApi api) {
  return api == wire::ChatApi::completions ? "/chat/completions" : "/responses";
}

/// What is being asked, the same for every upstream.
struct Asked {
  wire::ChatApi api;
  std::string model;
  std::string body;
  wire::RelayedHead head;
};

/// One upstream's answer, as far as it has come.
struct Attempt {
  UpstreamRoute route;
  std::shared_ptr<Signal> told;
  std::unique_ptr<UpstreamAnswer> answer;
  UpstreamNews first;
};

std::string body_for(const UpstreamRoute& route, const Asked& asked) {
  std::vector<wire::Replacement> replacements;
  // Else nobody would know what a stream has used.
  if (asked.head.stream && !asked.head.has_stream_options && route.upstream->has_prices() &&
      asked.api == wire::ChatApi::completions)
    replacements.push_back(
        {{asked.head.first_member, 0}, "\"stream_options\":{\"include_usage\":true},"});
  if (route.model != asked.model)
    replacements.push_back(
        {asked.head.model_value, JsonText(std::string_view(route.model)).text()});
  return replacements.empty() ? asked.body : wire::replaced(asked.body, replacements);
}

/// Waits for the head, or the end.
Async<void> wait_for_head(Attempt& attempt, std::stop_token client_gone) {
  while (!client_gone.stop_requested()) {
    UpstreamNews news = attempt.answer->take();
    if (news.status != 0 || news.ended) {
      attempt.first = std::move(news);
      co_return;
    }
    co_await attempt.told->wait(kLong, client_gone);
  }
}

Attempt begin(Relay& relay, const UpstreamRoute& route, const Asked& asked) {
  Attempt attempt{.route = route, .told = std::make_shared<Signal>(), .answer = {}, .first = {}};
  attempt.answer = relay.post(route, path_of(asked.api),
                              std::make_shared<const std::string>(body_for(route, asked)),
                              asked.head.stream, [told = attempt.told] { told->raise(); });
  return attempt;
}

/// The first good answer, or else the last bad one.
Async<Result<Attempt>> ask(const Context& context, const Exchange& exchange, const Asked& asked) {
  Relay& relay = *context.services.relay;
  std::optional<Attempt> last;
  for (int round = 0; round < kRoundsMax; ++round) {
    if (round > 0) {
      Signal pause;
      co_await pause.wait(kBackOff, exchange.client_gone);
    }
    bool has_failed = false;  // and not only been told that there was too much
    const std::vector<UpstreamRoute> routes = relay.routes(asked.model);
    for (const UpstreamRoute& route : routes) {
      Attempt attempt = begin(relay, route, asked);
      co_await wait_for_head(attempt, exchange.client_gone);
      if (exchange.client_gone.stop_requested())
        co_return fail(ErrorCode::cancelled, "the client has gone away");
      const int status = attempt.first.status;
      if (status != 0 && !is_trouble(status)) {
        relay.succeeded(route);
        co_return Result<Attempt>(std::move(attempt));
      }
      has_failed = has_failed || status != kTooMany;
      if (status != kTooMany) relay.failed(route);
      log(LogLevel::warn, "upstream_failed",
          "request_id={} upstream={} model={} status={} why={:?}", exchange.id,
          route.upstream->name, asked.model, status,
          attempt.first.error ? attempt.first.error->detail : "");
      if (status != 0) last = std::move(attempt);
    }
    if (!has_failed) break;
  }
  if (last) co_return Result<Attempt>(std::move(*last));
  co_return fail(ErrorCode::unavailable,
                 fmt::format("no server that has the model \"{}\" answers", asked.model), "model");
}

/// Writes down what was used, when the client has it all.
void record(const Context& context, const Exchange& exchange, const std::string& model,
            const UpstreamRoute& route, const std::optional<service::TokenUsage>& usage) {
  context.pool.start([&relay = *context.services.relay, caller = *exchange.caller, model, route,
                      usage, id = exchange.id] {
    const service::TokenUsage used = usage.value_or(service::TokenUsage());
    const auto cost = relay.record(caller, model, route, used);
    log(cost ? LogLevel::info : LogLevel::error, cost ? "relayed" : "relayed_unrecorded",
        "request_id={} upstream={} model={} input_tokens={} output_tokens={} usd_ticks={} why={:?}",
        id, route.upstream->name, model, used.input, used.output, cost.value_or(0),
        cost ? "" : cost.error().message);
  });
}

class RelayedEvents final : public EventSource {
 public:
  RelayedEvents(const Context& context, const Exchange& exchange, Attempt attempt, Asked asked)
      : context_(context),
        exchange_(exchange),
        attempt_(std::move(attempt)),
        api_(asked.api),
        model_(std::move(asked.model)) {}

  Async<std::optional<std::string>> next(std::stop_token client_gone) override {
    while (!client_gone.stop_requested() && attempt_.answer) {
      UpstreamNews news = attempt_.answer->take();
      news.bytes.insert(0, std::exchange(attempt_.first.bytes, {}));
      if (!news.bytes.empty()) co_return passed(std::move(news.bytes));
      if (news.ended) {
        attempt_.answer = nullptr;
        record(context_, exchange_, model_, attempt_.route, usage_.usage());
        if (news.error) co_return cut_off(*news.error);
        co_return std::nullopt;
      }
      const auto until = steady_clock::now() + kCommentInterval;
      co_await attempt_.told->wait(kCommentInterval, client_gone);
      // Never within an event.
      if (steady_clock::now() >= until && is_between_events_)
        co_return std::string(wire::kAliveEvent);
    }
    attempt_.answer = nullptr;  // nobody is to work for a client that has gone
    co_return std::nullopt;
  }

 private:
  std::string passed(std::string bytes) {
    usage_.feed(bytes);
    is_between_events_ = bytes.ends_with("\n\n") || bytes.ends_with("\r\n\r\n");
    return bytes;
  }

  std::string cut_off(const Error& error) const {
    const std::string begin = is_between_events_ ? "" : "\n\n";
    return begin + (api_ == wire::ChatApi::completions ? wire::unnamed_error_event(error)
                                                       : wire::error_event(error));
  }

  const Context& context_;
  const Exchange& exchange_;
  Attempt attempt_;
  const wire::ChatApi api_;
  const std::string model_;
  wire::UsageReader usage_;
  bool is_between_events_ = true;
};

/// The rest of an answer that is no stream.
Async<Result<Response>> whole(const Context& context, const Exchange& exchange, Attempt attempt,
                              const Asked& asked) {
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
  if (status == 200) {
    wire::UsageReader usage;
    usage.feed(body);
    record(context, exchange, asked.model, attempt.route, usage.usage());
  }
  held.shrink(body.size());
  Response response{.status = status, .body = std::move(body)};
  response.held = std::move(held);
  co_return response;
}

}  // namespace

Async<Result<Response>> relay(const Context& context, Exchange& exchange, wire::ChatApi api,
                              wire::RelayedHead head) {
  Asked asked{.api = api, .model = *head.model, .body = {}, .head = std::move(head)};
  if (auto in = co_await pass_the_door(context, exchange, asked.model); !in)
    co_return tl::unexpected(std::move(in.error()));
  const OwnNames names = own_names(context.options, exchange);
  auto body = co_await on_pool(context.pool, [&]() -> Result<std::string> {
    TRY(context.services.relay->check(*exchange.caller, asked.model));
    return with_own_pictures(context, exchange, std::move(exchange.request.body), names);
  });
  if (!body) co_return tl::unexpected(std::move(body.error()));
  asked.body = std::move(*body);
  asked.head = *wire::read_relayed(asked.body);  // our own pictures have moved what is behind them
  auto attempt = co_await ask(context, exchange, asked);
  if (!attempt) co_return tl::unexpected(std::move(attempt.error()));
  const int status = attempt->first.status;
  if (status == 401 || status == 403)  // of this server's key: the client's own was good
    co_return tl::unexpected(
        Error{.code = ErrorCode::unavailable,
              .message = fmt::format("the server that has the model \"{}\" refuses this server's "
                                     "key",
                                     asked.model),
              .field = "model",
              .retry = Retry::no});
  std::string content_type = attempt->first.content_type;
  std::string retry_after = attempt->first.retry_after;
  const std::string upstream = attempt->route.upstream->name;
  Result<Response> response = Response{.status = status, .body = std::string()};
  if (status == 200 && content_type.starts_with("text/event-stream")) {
    response->body =
        std::make_unique<RelayedEvents>(context, exchange, std::move(*attempt), std::move(asked));
    response->headers.add("cache-control", "no-cache");
    response->headers.add("x-accel-buffering", "no");
  } else {
    Attempt begun = std::move(*attempt);
    response = co_await whole(context, exchange, std::move(begun), asked);
    if (!response) co_return response;
  }
  if (!content_type.empty()) response->headers.add("content-type", std::move(content_type));
  if (!retry_after.empty()) response->headers.add("retry-after", std::move(retry_after));
  response->headers.add("x-imagined-upstream", upstream);
  co_return response;
}

}  // namespace imagined::api
