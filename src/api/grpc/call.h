// A call of gRPC, and how it begins and ends whatever it asks for.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <string_view>

#include "api/call/byte_budget.h"
#include "api/call/call.h"
#include "api/call/door.h"
#include "api/call/own_url.h"
#include "api/grpc/call_counts.h"
#include "api/grpc/peers.h"
#include "api/grpc/untaken_replies.h"
#include "base/result.h"

namespace imagined::api {

/// What handlers are given.
inline constexpr std::chrono::seconds kHeldWait{10};

struct GrpcContext : CallContext {
  const std::string& public_url;
  const std::string& http_host;  // empty: under the name that the client calls us by
  std::uint16_t http_port;
  bool is_encrypted;
  bool moderated_is_kept_back;
  CallCounts& counts;
  const Peers& peers;
  ByteBudget& budget;  // of replies that are held in memory
  UntakenReplies& untaken;
  std::stop_token server_ends;  // see `Call`
};

struct GrpcCall : Call {
  GrpcCall(const GrpcContext& context, grpc::CallbackServerContext& wire, std::string_view method);

  grpc::CallbackServerContext& wire;  // metadata, deadline
  const std::string_view method;      // "/xai_api.Image/GenerateImage"
  const std::string client;           // its address
  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::size_t reply_bytes = 0;  // of one that is sent as a whole
  ByteBudget::Hold held;        // for it, until the client has it
};

/// Who asks, by the metadatum `authorization`, which holds what HTTP's header does. The errors of
/// KeyService::authenticate.
Async<Result<void>> authenticate(const GrpcContext& context, GrpcCall& call);

/// How it is asked: `idempotency-key`, `x-cache`, and gRPC's own mark of a repeated call.
Result<service::Asking> read_asking(const GrpcCall& call);

/// Links for this caller lead to where HTTP answers: at an address of its own, or else under the
/// name by which the caller has reached us.
OwnNames own_names(const GrpcContext& context, const GrpcCall& call);

/// Says how the limits stand, before the first message; else `finish` does.
void tell_limits(const GrpcContext& context, GrpcCall& call);

/// Metadata and log line of a call that ends so, and its status.
grpc::Status finish(const GrpcContext& context, GrpcCall& call, const Result<void>& outcome);

/// The status that xAI's SDK expects, with when to come back in its text; `detail` is not in it.
grpc::Status status_of(const Error& error);

}  // namespace imagined::api
