// One request to the servers that have a model which talks, and the beginning of its answer.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "api/call/call.h"
#include "api/wire/conversation.h"
#include "api/wire/relayed.h"

namespace imagined::api {

/// What is being asked, the same for every upstream.
struct UpstreamAsk {
  wire::ChatApi api = wire::ChatApi::completions;
  std::string model;  // as it is called here
  std::string body;
  wire::RelayedHead head;  // of the body
};

/// One upstream's answer, as far as it has come.
struct UpstreamReply {
  service::UpstreamRoute route;
  std::shared_ptr<Signal> told;
  std::unique_ptr<service::UpstreamAnswer> answer;
  service::UpstreamNews first;  // with its status
  bool is_usage_ours = false;   // its client has not asked what was used
};

/// The first good answer of those that have the model, or else the last bad one. Who does not
/// answer, or answers that it cannot, is asked once more, after the others. `unavailable` when
/// there is none, `unimplemented` when nobody but those who may lack /responses answers there,
/// `cancelled` when the client has gone.
Async<Result<UpstreamReply>> ask_upstreams(const CallContext& context, const Call& call,
                                           const UpstreamAsk& ask, std::stop_token client_gone);

/// What a server says whose answer is an error: its body, as far as it is short. Waits for it.
Async<std::string> error_body_of(UpstreamReply& reply, std::stop_token client_gone);

/// An answer that is about this server's key: the client's own was good.
std::optional<Error> key_refusal(int status, const std::string& model);

/// Writes down what was used, when the client has it all.
Async<void> record_use(const CallContext& context, const Call& call, const std::string& model,
                       const service::UpstreamRoute& route,
                       const std::optional<service::TokenUsage>& usage);

}  // namespace imagined::api
