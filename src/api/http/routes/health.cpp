#include "api/http/routes.h"
#include "api/wire/replies.h"

namespace imagined::api {
namespace {

Response status_reply(int status, std::string_view word) {
  return json_reply(wire::status_body(word), status);
}

}  // namespace

// The process answers: that is all it says, whatever its dependencies do.
Async<Result<Response>> say_alive(const Context&, Exchange&) { co_return status_reply(200, "ok"); }

// The worker has said that its models are loaded.
Async<Result<Response>> say_ready(const Context& context, Exchange&) {
  const bool ready = context.services.workers.is_ready();
  Response response = status_reply(ready ? 200 : 503, ready ? "ready" : "starting");
  if (!ready) response.headers.add("retry-after", "1");
  co_return response;
}

}  // namespace imagined::api
