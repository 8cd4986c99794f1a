// What every route that makes pictures does before it takes a job.
#pragma once

#include <string_view>

#include "api/http/exchange.h"
#include "service/pictures/image_service.h"

namespace imagined::api {

/// How a request is asked: `Idempotency-Key`, at most once and not empty, the mark of OpenAI's SDKs
/// when they ask again by themselves, `x-cache: use` or `bypass`, and `Prefer: respond-async`.
Result<service::Asking> read_asking(const Headers& headers);

/// Draws the request under the limits of its key and the model, which are the default model's when
/// there is none of that name; waits for its turn where the server queues what is over them. The
/// reply will say how the limits stand.
Async<Result<void>> pass_the_door(const Context& context, Exchange& exchange,
                                  std::string_view model_name);

}  // namespace imagined::api
