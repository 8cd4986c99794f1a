#include "api/call/upstream_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "api/wire/said_error.h"
#include "base/ids.h"
#include "base/json_text.h"
#include "base/log.h"

namespace imagined::api {
namespace {

using service::Relay;
using service::UpstreamNews;
using service::UpstreamRoute;

constexpr int kRoundsMax = 2;
constexpr std::chrono::milliseconds kBackOff{250};
constexpr std::chrono::hours kForever{1};  // the client gives up before
constexpr int kTooMany = 429;

bool is_redirect(int status) { return status >= 300 && status < 400; }
bool is_trouble(int status) {
  return status >= 500 || status == kTooMany || status == 408 || is_redirect(status);
}

/// Many servers have no /responses, and say so in words that their client cannot know.
bool may_lack_route(const UpstreamAsk& asked, int status) {
  return asked.api == wire::ChatApi::responses && (status == 404 || status == 405 || status == 501);
}

/// Why it is asked in other words, which is told where those do not have what is asked. `answer`:
/// "answers 404"; `said`: its words, if any.
Error lacks_route(const UpstreamAsk& asked, std::string_view answer, std::string_view said) {
  return {
      .code = ErrorCode::unimplemented,
      .message = fmt::format("the server that has the model \"{}\" {} at /responses{}", asked.model,
                             answer, said.empty() ? "" : fmt::format(" ({})", said)),
      .field = "model"};
}

std::string_view path_of(wire::ChatApi api) {
  return api == wire::ChatApi::completions ? "/chat/completions" : "/responses";
}

/// Has a priced stream tell what it has used, where its client does not ask: else nobody would
/// know.
std::optional<wire::Replacement> asking_for_usage(const UpstreamRoute& route,
                                                  const UpstreamAsk& asked) {
  if (!asked.head.stream || !route.upstream->has_prices() ||
      asked.api != wire::ChatApi::completions)
    return std::nullopt;
  const wire::Span said = asked.head.stream_options;
  if (said.size == 0)
    return wire::Replacement{{asked.head.first_member, 0},
                             "\"stream_options\":{\"include_usage\":true},"};
  auto options = wire::with_usage(said.of(asked.body));
  if (!options) return std::nullopt;
  return wire::Replacement{said, std::move(*options)};
}

std::string body_for(const UpstreamRoute& route, const UpstreamAsk& asked,
                     std::optional<wire::Replacement> options) {
  std::vector<wire::Replacement> replacements;
  if (options) replacements.push_back(std::move(*options));
  if (route.model != asked.model)
    replacements.push_back(
        {asked.head.model_value, JsonText(std::string_view(route.model)).text()});
  if (replacements.empty()) return asked.body;
  std::ranges::sort(replacements, {},
                    [](const wire::Replacement& each) { return each.place.begin; });
  return wire::replaced(asked.body, replacements);
}

/// Waits for the head, or the end.
Async<void> wait_for_head(UpstreamReply& attempt, std::stop_token client_gone) {
  while (!client_gone.stop_requested()) {
    UpstreamNews news = attempt.answer->take();
    if (news.status != 0 || news.ended) {
      attempt.first = std::move(news);
      co_return;
    }
    co_await attempt.told->wait(kForever, client_gone);
  }
}

UpstreamReply begin(Relay& relay, const UpstreamRoute& route, const UpstreamAsk& asked,
                    const std::string& id) {
  UpstreamReply attempt{
      .route = route, .told = std::make_shared<Signal>(), .answer = {}, .first = {}};
  auto options = asking_for_usage(route, asked);
  attempt.is_usage_ours = options.has_value();
  std::string body = body_for(route, asked, std::move(options));
  attempt.answer = relay.post(route,
                              {.path = path_of(asked.api),
                               .body = std::make_shared<const std::string>(std::move(body)),
                               .as_events = asked.head.stream,
                               .id = id},
                              [told = attempt.told] { told->raise(); });
  return attempt;
}

}  // namespace

Async<Result<UpstreamReply>> ask_upstreams(const CallContext& context, const Call& call,
                                           const UpstreamAsk& asked, std::stop_token client_gone) {
  Relay& relay = *context.services.relay;
  const std::string id = make_uuid(context.services.clock);
  std::optional<UpstreamReply> last;
  std::optional<Error> lacking;
  for (int round = 0; round < kRoundsMax; ++round) {
    if (round > 0) {
      Signal pause;
      co_await pause.wait(kBackOff, client_gone);
    }
    bool has_failed = false;  // and not only been told that there was too much
    const std::vector<UpstreamRoute> routes = relay.routes(asked.model);
    for (const UpstreamRoute& route : routes) {
      if (asked.api == wire::ChatApi::responses && !relay.may_have_responses(route)) {
        if (!lacking) lacking = lacks_route(asked, "is known to have nothing", "");
        continue;
      }
      UpstreamReply attempt = begin(relay, route, asked, id);
      co_await wait_for_head(attempt, client_gone);
      if (client_gone.stop_requested())
        co_return fail(ErrorCode::cancelled, "the client has gone away");
      const int status = attempt.first.status;
      if (may_lack_route(asked, status)) {
        const std::string body = co_await error_body_of(attempt, client_gone);
        const std::string said = wire::said_error_in(body);
        lacking = lacks_route(asked, fmt::format("answers {}", status), said);
        relay.missed_responses(route);
        continue;
      }
      if (status != 0 && !is_trouble(status)) {
        relay.succeeded(route);
        co_return Result<UpstreamReply>(std::move(attempt));
      }
      has_failed = has_failed || status != kTooMany;
      if (status != kTooMany) relay.failed(route);
      log(LogLevel::warn, "upstream_failed",
          "request_id={} upstream={} model={} status={} why={:?}", call.id, route.upstream->name,
          asked.model, status, attempt.first.error ? attempt.first.error->detail : "");
      if (status != 0) last = std::move(attempt);
    }
    if (!has_failed) break;
  }
  if (lacking) co_return tl::unexpected(std::move(*lacking));
  if (last) co_return Result<UpstreamReply>(std::move(*last));
  co_return fail(ErrorCode::unavailable,
                 fmt::format("no server that has the model \"{}\" answers", asked.model), "model");
}

Async<std::string> error_body_of(UpstreamReply& reply, std::stop_token client_gone) {
  constexpr std::size_t kBytesMax = 64 * 1024;
  std::string body = std::move(reply.first.bytes);
  bool has_ended = reply.first.ended;
  while (!has_ended && body.size() < kBytesMax && !client_gone.stop_requested()) {
    UpstreamNews news = reply.answer->take();
    body += news.bytes;
    has_ended = news.ended;
    if (!has_ended) co_await reply.told->wait(kForever, client_gone);
  }
  co_return body;
}

std::optional<Error> key_refusal(int status, const std::string& model) {
  if (status != 401 && status != 403) return std::nullopt;
  return Error{.code = ErrorCode::unavailable,
               .message = fmt::format(
                   "the server that has the model \"{}\" refuses this server's key", model),
               .field = "model",
               .retry = Retry::no};
}

Async<void> record_use(const CallContext& context, const Call& call, const std::string& model,
                       const UpstreamRoute& route,
                       const std::optional<service::TokenUsage>& usage) {
  auto work = [&relay = *context.services.relay, caller = *call.caller, model, route, usage,
               id = call.id] {
    const service::TokenUsage used = usage.value_or(service::TokenUsage());
    const auto cost = relay.record(caller, model, route, used);
    log(cost ? LogLevel::info : LogLevel::error, cost ? "relayed" : "relayed_unrecorded",
        "request_id={} upstream={} model={} input_tokens={} output_tokens={} usd_ticks={} why={:?}",
        id, route.upstream->name, model, used.input, used.output, cost.value_or(0),
        cost ? "" : cost.error().message);
  };
  return context.pool.start_soon(std::move(work));
}

}  // namespace imagined::api
