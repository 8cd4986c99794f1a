// The reply to a request for pictures that wants to see them come: server-sent events.
#pragma once

#include <memory>

#include "api/http/exchange.h"
#include "api/wire/image_request.h"
#include "api/wire/picture_events.h"
#include "service/pictures/image_service.h"

namespace imagined::api {

/// Previews as they are told of, then the pictures, or what went wrong, in the words of `answer`.
/// The job is given up when the client goes away, or is not done in time. `context` and `exchange`
/// must outlive the reply.
Response stream_pictures(const Context& context, const Exchange& exchange,
                         const service::Order& order, const wire::GenerationCall& call,
                         std::unique_ptr<wire::PictureAnswer> answer);

}  // namespace imagined::api
