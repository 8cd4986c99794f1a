// Answers of other servers.
#pragma once

#include "api/call/upstream_call.h"
#include "api/http/exchange.h"

namespace imagined::api {

/// The answer that has begun, as it comes, byte by byte; events no faster than they are read. A
/// client that leaves ends it. What it has used goes into the books.
Async<Result<Response>> pass_on(const Context& context, Exchange& exchange, UpstreamReply attempt,
                                UpstreamAsk asked);

}  // namespace imagined::api
