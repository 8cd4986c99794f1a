#include <fmt/core.h>

#include "api/http/routes.h"
#include "api/wire/replies.h"

namespace imagined::api {
namespace {

Result<Response> all_models(const Context& context, const Exchange& exchange,
                            std::string (*body)(const service::Catalogue&,
                                                const service::WorkerPool&)) {
  TRY(require(*exchange.caller, service::Scope::models));
  return json_reply(body(context.services.catalogue, context.services.workers));
}

Result<Response> one_model(const Context& context, const Exchange& exchange,
                           std::string (*body)(const wire::OfferedModel&)) {
  TRY(require(*exchange.caller, service::Scope::models));
  const service::Model* model = TRY(context.services.catalogue.resolve(exchange.params["id"]));
  return json_reply(body({*model, context.services.workers}));
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
