#include <fmt/core.h>

#include "api/http/routes.h"
#include "api/wire/replies.h"

namespace imagined::api {
namespace {

Result<Response> all_models(const Context& context, const Exchange& exchange,
                            std::string (*body)(const service::Catalogue&)) {
  TRY(require(*exchange.caller, service::Scope::models));
  return json_reply(body(context.services.catalogue));
}

Result<Response> one_model(const Context& context, const Exchange& exchange,
                           std::string (*body)(const service::Model&)) {
  TRY(require(*exchange.caller, service::Scope::models));
  return json_reply(body(*TRY(context.services.catalogue.resolve(exchange.params["id"]))));
}

}  // namespace

Async<Result<Response>> list_models(const Context& context, Exchange& exchange) {
  co_return all_models(context, exchange, wire::models_body);
}
Async<Result<Response>> show_model(const Context& context, Exchange& exchange) {
  co_return one_model(context, exchange, wire::model_body);
}
Async<Result<Response>> list_image_models(const Context& context, Exchange& exchange) {
  co_return all_models(context, exchange, wire::image_models_body);
}
Async<Result<Response>> show_image_model(const Context& context, Exchange& exchange) {
  co_return one_model(context, exchange, wire::image_model_body);
}

}  // namespace imagined::api
