#include <fmt/core.h>

#include "api/http/routes.h"
#include "api/wire/replies.h"

namespace imagined::api {
namespace {

Response json_reply(std::string body) {
  Response response{.body = std::move(body)};
  response.headers.add("content-type", "application/json");
  return response;
}

}  // namespace

Async<Result<Response>> list_models(const Context& context, Exchange& exchange) {
  if (auto allowed = require(*exchange.caller, service::Scope::models); !allowed) {
    co_return tl::unexpected(std::move(allowed.error()));
  }
  co_return json_reply(wire::models_body(context.services.catalogue));
}

Async<Result<Response>> show_model(const Context& context, Exchange& exchange) {
  if (auto allowed = require(*exchange.caller, service::Scope::models); !allowed) {
    co_return tl::unexpected(std::move(allowed.error()));
  }
  auto model = context.services.catalogue.resolve(exchange.params["id"]);
  if (!model) co_return tl::unexpected(std::move(model.error()));
  co_return json_reply(wire::model_body(**model));
}

}  // namespace imagined::api
