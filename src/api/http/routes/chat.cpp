// POST /v1/chat/completions and /v1/responses. Of models that make pictures: another way to ask for
// what /v1/images/generations and /v1/images/edits make. Of models of other servers: handed on.
#include <algorithm>
#include <optional>
#include <utility>

#include "api/call/conversing.h"
#include "api/call/door.h"
#include "api/call/relaying.h"
#include "api/call/talkers.h"
#include "api/call/upstream_call.h"
#include "api/http/asking.h"
#include "api/http/conversation_reply.h"
#include "api/http/relay.h"
#include "api/http/routes.h"
#include "api/http/tool_talk_reply.h"
#include "api/wire/relayed.h"
#include "api/wire/tool_talk.h"

namespace imagined::api {
namespace {

using wire::ChatApi;

wire::AnswerHead head_of(const Context& context, const service::Order& order,
                         const wire::GenerationCall& call, wire::ResponseEcho echo) {
  const service::Model* model = context.services.catalogue.find(call.request.model);
  return {.job_id = order.job.id,
          .model = call.request.model,
          .prompt = call.request.prompt.text(),
          .previous_response_id = {},
          .fingerprint = model == nullptr ? std::string() : service::fingerprint(*model),
          .echo = std::move(echo),
          .created_unix_s = context.services.clock.unix_ms() / 1000,
          .include_usage = false,
          .with_links = call.response_format != wire::ResponseFormat::b64_json};
}

/// Of a request for a model that another server has.
Result<std::optional<wire::RelayedHead>> relayed_head(const Services& services,
                                                      std::string_view body) {
  if (services.relay == nullptr) return std::nullopt;
  auto head = wire::read_relayed(body);
  if (!head || !head->model || services.catalogue.find(*head->model) != nullptr)
    return std::nullopt;
  if (!services.relay->upstreams().has(*head->model)) return std::nullopt;
  TRY(wire::check_depth(*head, "the body"));
  return std::move(*head);
}

/// Of a conversation that is given our tools: with a pair of models, or with a model that talks
/// where the request asks for the tool and the model's own server does not have it.
std::optional<ToolTalkModels> tool_talk_models(const Services& services, const std::string& model,
                                               std::string_view body) {
  const service::Upstreams& upstreams = services.relay->upstreams();
  const service::Upstream& upstream = *upstreams.models().find(model)->second;
  ToolTalkModels models{.talks = model, .makes = {}, .is_seen = upstream.sees};
  if (const service::ModelPair* pair = upstreams.pair(model)) {
    models.makes = services.catalogue.find(pair->makes)->id;
    return models;
  }
  if (upstream.has_image_tool || !wire::wants_image_tool(body)) return std::nullopt;
  models.makes = services.catalogue.default_model().id;
  return models;
}

/// What the upstream is asked, when the caller may ask it. What needs no look at the books or the
/// files needs no thread of the pool.
Async<Result<void>> ready_to_ask(const Context& context, Exchange& exchange, UpstreamAsk& asked) {
  constexpr std::size_t kReadHere = 64 * 1024;  // bytes, in microseconds
  service::Relay& relay = *context.services.relay;
  std::string body = std::move(exchange.request.body);
  if (exchange.spending && relay.is_fresh(*exchange.spending) && body.size() <= kReadHere &&
      !may_have_own_pictures(body)) {
    asked.body = std::move(body);
    co_return relay.check(*exchange.caller, asked.model, *exchange.spending);
  }
  const OwnNames names = own_names(context.options, exchange);
  auto readied = co_await on_pool(context.pool, [&]() -> Result<std::string> {
    TRY(relay.check(*exchange.caller, asked.model));
    return with_own_pictures(context, exchange, std::move(body), names);
  });
  if (!readied) co_return tl::unexpected(std::move(readied.error()));
  asked.body = std::move(*readied);
  asked.head = *wire::read_relayed(asked.body);  // our own pictures have moved what is behind them
  co_return Result<void>();
}

/// Hands the request on and the answer back, byte by byte: the body but for the model's name where
/// it has another there, and for our own pictures.
Async<Result<Response>> relay(const Context& context, Exchange& exchange, ChatApi api,
                              wire::RelayedHead head) {
  UpstreamAsk asked{.api = api, .model = *head.model, .body = {}, .head = std::move(head)};
  if (auto in = co_await pass_the_door(context, exchange, asked.model); !in)
    co_return tl::unexpected(std::move(in.error()));
  if (auto ready = co_await ready_to_ask(context, exchange, asked); !ready)
    co_return tl::unexpected(std::move(ready.error()));
  auto attempt = co_await ask_upstreams(context, exchange, asked, exchange.client_gone);
  if (!attempt && attempt.error().code == ErrorCode::unimplemented)
    co_return co_await respond_over_chat(context, exchange, std::move(asked),
                                         std::move(attempt.error()));
  if (!attempt) co_return tl::unexpected(std::move(attempt.error()));
  UpstreamReply begun = std::move(*attempt);
  co_return co_await pass_on(context, exchange, std::move(begun), asked);
}

Async<Result<Response>> converse(const Context& context, Exchange& exchange, ChatApi api) {
  const Services& services = context.services;
  auto relayed = relayed_head(services, exchange.request.body);
  if (!relayed) co_return tl::unexpected(std::move(relayed.error()));
  if (wire::RelayedHead* const head = *relayed ? &**relayed : nullptr) {
    if (auto models = tool_talk_models(services, *head->model, exchange.request.body))
      co_return co_await talk_with_tools(context, exchange, api, std::move(*models));
    co_return co_await relay(context, exchange, api, std::move(*head));
  }
  auto asking = read_asking(exchange.request.headers);
  if (!asking) co_return tl::unexpected(asking.error());
  asking->deferred = false;
  wire::ResponseEcho echo;
  auto said = co_await on_pool(context.pool, [&] {
    auto read = wire::parse_conversation(exchange.request.body, api, services.catalogue);
    if (read && api == ChatApi::responses) echo = wire::echo_of(exchange.request.body);
    return read;
  });
  // As create_images does.
  const std::string model = said ? said->fields.request.model : std::string();
  if (auto in = co_await pass_the_door(context, exchange, model); !in)
    co_return tl::unexpected(std::move(in.error()));
  if (!said) {
    name_talkers(services.catalogue, said.error());
    co_return tl::unexpected(std::move(said.error()));
  }
  exchange.request.body = {};
  exchange.held.shrink(wire::size_of(echo));
  const bool include_usage = said->include_usage;
  const std::string previous = said->previous_response_id;
  const OwnNames names = own_names(context.options, exchange);
  const auto asked = co_await on_pool(context.pool, [&] {
    return settle_conversation(context, exchange, std::move(*said), names);
  });
  if (!asked) co_return tl::unexpected(asked.error());
  const wire::GenerationCall& fields = asked->call.fields;
  auto payload = co_await on_pool(context.fetch_pool,
                                  [&] { return take_asked(context, exchange, *asked, names); });
  if (!payload) co_return tl::unexpected(std::move(payload.error()));
  const auto order = co_await on_pool(context.pool, [&] {
    return services.images.submit(*exchange.caller, std::move(*payload), *asking);
  });
  if (!order) co_return tl::unexpected(order.error());
  wire::AnswerHead head = head_of(context, *order, fields, std::move(echo));
  head.include_usage = include_usage;
  head.previous_response_id = previous;
  auto answer = api == ChatApi::completions ? wire::make_completion(std::move(head))
                                            : wire::make_response(std::move(head));
  co_return co_await reply_in_conversation(context, exchange, *order, fields, std::move(answer));
}

}  // namespace

Async<Result<Response>> complete_chat(const Context& context, Exchange& exchange) {
  return converse(context, exchange, ChatApi::completions);
}

Async<Result<Response>> create_response(const Context& context, Exchange& exchange) {
  return converse(context, exchange, ChatApi::responses);
}

}  // namespace imagined::api
