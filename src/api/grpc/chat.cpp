// xai_api.Chat: the conversations of /v1/chat/completions in other messages, read by the same
// readers and made by the same jobs and upstreams.
#include <fmt/format.h>

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <xai/api/v1/chat.grpc.pb.h>
#include "api/call/conversing.h"
#include "api/call/door.h"
#include "api/call/job_wait.h"
#include "api/call/relaying.h"
#include "api/call/talkers.h"
#include "api/call/upstream_call.h"
#include "api/grpc/chat_request.h"
#include "api/grpc/services.h"
#include "api/grpc/times.h"
#include "api/wire/answer_parts.h"
#include "api/wire/said_error.h"
#include "api/wire/talk_turn.h"

namespace imagined::api {
namespace {

using ChatReply = xai_api::GetChatCompletionResponse;
using ChatChunk = xai_api::GetChatCompletionChunk;
using Streaming = Writing<ChatChunk>;
using service::UpstreamNews;

/// Words as they come; false: nobody hears them any more. None: they are told at the end.
using Tell = std::function<Async<bool>(const std::string& said)>;

/// What a model has said, however it was asked.
struct Said {
  std::string id;
  std::string model;
  std::string fingerprint;
  std::vector<std::string> contents;  // one for each output
  std::vector<wire::ToolCall> calls;  // of the first
  std::string finish_reason;
  service::TokenUsage tokens;
  std::int64_t cost_usd_ticks = 0;
};

/// Whose words it asks for: a model of the catalogue, or of another server.
struct ChatModel {
  std::string name;
  bool is_relayed = false;
};

Result<ChatModel> model_of(const Services& services, const std::string& asked) {
  ChatModel model{.name = asked.empty() ? services.catalogue.default_model().id : asked};
  if (services.catalogue.find(model.name) != nullptr || services.relay == nullptr) return model;
  model.is_relayed = services.relay->upstreams().has(model.name);
  if (model.is_relayed && services.relay->upstreams().pair(model.name) != nullptr)
    return fail(
        ErrorCode::unimplemented,
        fmt::format("model: \"{}\" talks and makes pictures, which /v1/chat/completions and "
                    "/v1/responses tell; ask it there",
                    model.name),
        "model");
  return model;
}

// ---- Of models that make pictures

Result<service::JobPayload> pictures_wanted(const CallContext& context, const Call& call,
                                            wire::Conversation said, const OwnNames& names) {
  const Asked asked = TRY(settle_conversation(context, call, std::move(said), names));
  return take_asked(context, call, asked, names);
}

Async<Result<Said>> make_pictures_of(const GrpcContext& context, GrpcCall& call,
                                     const std::string& body, const std::string& model) {
  const Services& services = context.services;
  auto asking = read_asking(call);
  if (!asking) co_return tl::unexpected(asking.error());
  auto said = co_await on_pool(context.pool, [&] {
    return wire::parse_conversation(body, wire::ChatApi::completions, services.catalogue);
  });
  if (auto in = co_await pass_the_door(context, call, model); !in)
    co_return tl::unexpected(std::move(in.error()));
  if (!said) {
    name_talkers(services.catalogue, said.error());
    co_return tl::unexpected(std::move(said.error()));
  }
  const std::string prompt = said->fields.request.prompt.text();
  const OwnNames names = own_names(context, call);
  auto payload = co_await on_pool(
      context.fetch_pool, [&] { return pictures_wanted(context, call, std::move(*said), names); });
  if (!payload) co_return tl::unexpected(std::move(payload.error()));
  const auto order = co_await on_pool(context.pool, [&] {
    return services.images.submit(*call.caller, std::move(*payload), *asking);
  });
  if (!order) co_return tl::unexpected(order.error());
  call.job_id = order->job.id;
  const auto made = co_await finished(context, call, *order);
  if (!made) co_return tl::unexpected(made.error());
  const service::Model* sold = services.catalogue.find(made->job.sold.model);
  Said answer{.id = "resp_" + order->job.id,
              .model = made->job.sold.model,
              .fingerprint = sold == nullptr ? std::string() : service::fingerprint(*sold),
              .contents = {},
              .calls = {},
              .finish_reason = "stop",
              .tokens = {.input = made->reading.tokens_read},
              .cost_usd_ticks = made->cost_usd_ticks};
  for (const service::StoredPicture& picture : made->pictures)
    answer.contents.push_back(
        wire::markdown_picture(prompt, services.links.url_of(picture, names.base)));
  services.outcomes.pictures(std::ssize(made->pictures));
  services.outcomes.cache(order->cache);
  co_return Result<Said>(std::move(answer));
}

// ---- Of models of other servers

Error refusal_of(const UpstreamReply& reply, std::string_view body) {
  const int status = reply.first.status;
  const std::string said = wire::said_error_in(body);
  Error error{.code = status == 400 || status == 422 ? ErrorCode::invalid_argument
                      : status == 404                ? ErrorCode::not_found
                      : status == 413                ? ErrorCode::payload_too_large
                      : status == 429                ? ErrorCode::resource_exhausted
                                                     : ErrorCode::unavailable,
              .message = fmt::format("{}: {}", reply.route.upstream->name,
                                     said.empty() ? fmt::format("it answers {}", status) : said)};
  error.retry_after_ms = std::atoll(reply.first.retry_after.c_str()) * 1000;
  return error;
}

Async<Result<Said>> hear_upstream(const GrpcContext& context, GrpcCall& call, std::string body,
                                  const std::string& model, const Tell& tell) {
  constexpr std::chrono::hours kPatience{1};
  if (auto in = co_await pass_the_door(context, call, model); !in)
    co_return tl::unexpected(std::move(in.error()));
  const OwnNames names = own_names(context, call);
  auto whole = co_await on_pool(context.pool, [&]() -> Result<std::string> {
    TRY(context.services.relay->check(*call.caller, model));
    return with_own_pictures(context, call, std::move(body), names);
  });
  if (!whole) co_return tl::unexpected(std::move(whole.error()));
  whole->insert(1, R"("stream":true,"stream_options":{"include_usage":true},)");
  auto head = wire::read_relayed(*whole);
  if (!head) co_return tl::unexpected(std::move(head.error()));
  const UpstreamAsk asked{.api = wire::ChatApi::completions,
                          .model = model,
                          .body = std::move(*whole),
                          .head = std::move(*head)};
  auto reply = co_await ask_upstreams(context, call, asked, call.client_gone);
  if (!reply) co_return tl::unexpected(std::move(reply.error()));
  if (auto refused = key_refusal(reply->first.status, model))
    co_return tl::unexpected(std::move(*refused));
  if (reply->first.status != 200) {
    const std::string text = co_await error_body_of(*reply, call.client_gone);
    co_return tl::unexpected(refusal_of(*reply, text));
  }
  wire::TurnReader reader(wire::ChatApi::completions);
  while (true) {
    UpstreamNews news = reply->answer->take();
    news.bytes.insert(0, std::exchange(reply->first.bytes, {}));
    const std::string said = reader.feed(news.bytes);
    if (tell && !said.empty() && !co_await tell(said))
      co_return fail(ErrorCode::cancelled, "the client has gone away");
    if (news.error) co_return tl::unexpected(std::move(*news.error));
    if (news.ended || reader.has_failed()) break;
    if (call.client_gone.stop_requested())
      co_return fail(ErrorCode::cancelled, "the client has gone away");
    if (news.bytes.empty()) co_await reply->told->wait(kPatience, call.client_gone);
  }
  reply->answer = nullptr;
  auto turn = reader.end();
  if (!turn) co_return tl::unexpected(std::move(turn.error()));
  co_await record_use(context, call, model, reply->route, turn->usage);
  const service::TokenUsage used = turn->usage.value_or(service::TokenUsage());
  Said answer{.id = "chatcmpl-" + call.id,
              .model = model,
              .fingerprint = {},
              .contents = {std::move(turn->text)},
              .calls = std::move(turn->calls),
              .finish_reason = std::move(turn->finish_reason),
              .tokens = used,
              .cost_usd_ticks = service::cost_of(*reply->route.upstream, used)};
  co_return Result<Said>(std::move(answer));
}

// ---- Both

Async<Result<Said>> hear(const GrpcContext& context, GrpcCall& call,
                         const xai_api::GetCompletionsRequest& request, const Tell& tell) {
  const auto model = model_of(context.services, request.model());
  if (!model) co_return tl::unexpected(model.error());
  auto body = completion_body(request, model->name);
  if (!body) co_return tl::unexpected(std::move(body.error()));
  if (!model->is_relayed) co_return co_await make_pictures_of(context, call, *body, model->name);
  if (request.has_previous_response_id())
    co_return fail(ErrorCode::unimplemented,
                   "previous_response_id: conversations are not kept here; send all messages",
                   "previous_response_id");
  if (request.has_n() && request.n() != 1)
    co_return fail(ErrorCode::invalid_argument,
                   "n: models of other servers give one answer at a time over gRPC", "n");
  co_return co_await hear_upstream(context, call, std::move(*body), model->name, tell);
}

xai_api::FinishReason reason_word(const Said& said) {
  return !said.calls.empty()              ? xai_api::REASON_TOOL_CALLS
         : said.finish_reason == "length" ? xai_api::REASON_MAX_LEN
                                          : xai_api::REASON_STOP;
}

template <class Reply>
void fill_head(const CallContext& context, const Said& said, Reply& reply) {
  reply.set_id(said.id);
  reply.set_model(said.model);
  reply.set_system_fingerprint(said.fingerprint);
  set_time(context.services.clock.unix_ms(), *reply.mutable_created());
}

void fill_usage(const Said& said, xai_api::SamplingUsage& usage) {
  const auto input = static_cast<std::int32_t>(said.tokens.input);
  const auto output = static_cast<std::int32_t>(said.tokens.output);
  usage.set_prompt_tokens(input);
  usage.set_prompt_text_tokens(input);
  usage.set_completion_tokens(output);
  usage.set_total_tokens(input + output);
  usage.set_cost_in_usd_ticks(said.cost_usd_ticks);
}

/// To a message or a delta.
template <class Message>
void fill_calls(const Said& said, Message& message) {
  for (const wire::ToolCall& call : said.calls) {
    xai_api::ToolCall& told = *message.add_tool_calls();
    told.set_id(call.id);
    told.set_type(xai_api::TOOL_CALL_TYPE_CLIENT_SIDE_TOOL);
    told.set_status(xai_api::TOOL_CALL_STATUS_COMPLETED);
    told.mutable_function()->set_name(call.name);
    told.mutable_function()->set_arguments(call.arguments);
  }
}

Async<Result<void>> complete(const GrpcContext& context, GrpcCall& call,
                             const xai_api::GetCompletionsRequest& request, ChatReply& reply) {
  const Tell nobody;
  const auto said = co_await hear(context, call, request, nobody);
  if (!said) co_return tl::unexpected(said.error());
  fill_head(context, *said, reply);
  fill_usage(*said, *reply.mutable_usage());
  for (const std::string& content : said->contents) {
    xai_api::CompletionOutput& output = *reply.add_outputs();
    output.set_index(reply.outputs_size() - 1);
    output.set_finish_reason(reason_word(*said));
    output.mutable_message()->set_role(xai_api::ROLE_ASSISTANT);
    output.mutable_message()->set_content(content);
    if (output.index() == 0) fill_calls(*said, *output.mutable_message());
  }
  co_return Result<void>();
}

/// Words as chunks; the last one says how it ended and what it was worth.
Async<Result<void>> complete_in_chunks(const GrpcContext& context, GrpcCall& call,
                                       const xai_api::GetCompletionsRequest& request,
                                       Streaming& client) {
  const Said head{.id = "chatcmpl-" + call.id, .model = request.model()};
  bool has_told = false;
  const Tell tell = [&](const std::string& text) -> Async<bool> {
    ChatChunk chunk;
    fill_head(context, head, chunk);
    chunk.add_outputs()->mutable_delta()->set_content(text);
    chunk.mutable_outputs(0)->mutable_delta()->set_role(xai_api::ROLE_ASSISTANT);
    if (!std::exchange(has_told, true)) tell_limits(context, call);
    co_return co_await client.send(chunk);
  };
  const auto said = co_await hear(context, call, request, tell);
  if (!said) co_return tl::unexpected(said.error());
  ChatChunk last;
  fill_head(context, *said, last);
  if (has_told) last.set_id(head.id);
  fill_usage(*said, *last.mutable_usage());
  for (const std::string& content : said->contents) {
    xai_api::CompletionOutputChunk& output = *last.add_outputs();
    output.set_index(last.outputs_size() - 1);
    output.set_finish_reason(reason_word(*said));
    output.mutable_delta()->set_role(xai_api::ROLE_ASSISTANT);
    if (!has_told) output.mutable_delta()->set_content(content);
    if (output.index() == 0) fill_calls(*said, *output.mutable_delta());
  }
  if (!has_told) tell_limits(context, call);
  if (!co_await client.send(last)) co_return fail(ErrorCode::cancelled, "the client has gone away");
  co_return Result<void>();
}

using ChatMethods = xai_api::Chat::WithRawCallbackMethod_GetCompletion<
    xai_api::Chat::WithRawCallbackMethod_GetCompletionChunk<xai_api::Chat::Service>>;

class ChatFace final : public ChatMethods {
 public:
  explicit ChatFace(GrpcLoop loop) : loop_(loop) {}

  grpc::ServerUnaryReactor* GetCompletion(grpc::CallbackServerContext* wire,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Chat/GetCompletion", *request, *reply, complete);
  }
  grpc::ServerWriteReactor<grpc::ByteBuffer>* GetCompletionChunk(
      grpc::CallbackServerContext* wire, const grpc::ByteBuffer* request) override {
    auto* reactor =
        new Streaming(loop_, *wire, "/xai_api.Chat/GetCompletionChunk",
                      [request](const GrpcContext& context, GrpcCall& call,
                                Streaming::Base& client) -> Async<Result<void>> {
                        xai_api::GetCompletionsRequest read;
                        if (!request->Valid() && call.wire.IsCancelled())
                          co_return fail(ErrorCode::cancelled, "the client has gone away");
                        if (auto done = read_message(*request, read); !done) co_return done;
                        co_return co_await complete_in_chunks(context, call, read,
                                                              static_cast<Streaming&>(client));
                      });
    reactor->begin();
    return reactor;
  }

 private:
  const GrpcLoop loop_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_chat_service(GrpcLoop loop) {
  return std::make_unique<ChatFace>(loop);
}

}  // namespace imagined::api
