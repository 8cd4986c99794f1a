// The reply to a request for pictures: waits for the job, then reads what it has made.
#pragma once

#include "api/http/exchange.h"
#include "api/wire/image_request.h"

namespace imagined::api {

/// The job is given up when the client goes away, or is not done in time.
Async<Result<Response>> reply_when_made(const Context& context, Exchange& exchange,
                                        service::Order order, const wire::GenerationCall& call);

}  // namespace imagined::api
