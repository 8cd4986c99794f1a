// Requests that another server answers.
#pragma once

#include <string_view>

#include "api/call/upstream_call.h"
#include "api/http/exchange.h"
#include "api/wire/conversation.h"
#include "api/wire/relayed.h"

namespace imagined::api {

/// Hands the request on and the answer back, byte by byte: the body but for the model's name where
/// it has another there, and for our own pictures; events as they come, no faster than they are
/// read. Who is asked, `ask_upstreams` says; a client that leaves ends it. What the answer has used
/// goes into the books.
Async<Result<Response>> relay(const Context& context, Exchange& exchange, wire::ChatApi api,
                              wire::RelayedHead head);

/// The answer that has begun, as it comes.
Async<Result<Response>> pass_on(const Context& context, Exchange& exchange, UpstreamReply attempt,
                                UpstreamAsk asked);

}  // namespace imagined::api
