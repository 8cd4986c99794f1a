// What every route that makes pictures does before it takes a job.
#pragma once

#include <optional>
#include <string_view>

#include "api/call/call.h"
#include "service/pictures/image_service.h"

namespace imagined::api {

/// What a request says beside its body, as it came.
struct HowAsked {
  std::string_view idempotency_key;
  bool has_idempotency_key = false;
  bool has_more_of_them = false;
  std::string_view retries;  // how often it was asked before, by the client's own count
  std::optional<std::string_view> cache;  // x-cache
  std::string_view prefer;                // as HTTP's field of that name
};

/// `Idempotency-Key`, at most once and not empty, the mark of SDKs when they ask again by
/// themselves, `x-cache: use` or `bypass`, and `Prefer: respond-async`. Views into `how`.
Result<service::Asking> read_asking(const HowAsked& how);

/// Draws the request under the limits of its key and the model, which are the default model's when
/// there is none of that name; waits for its turn where the server queues what is over them. The
/// reply will say how the limits stand.
Async<Result<void>> pass_the_door(const CallContext& context, Call& call,
                                  std::string_view model_name);

}  // namespace imagined::api
