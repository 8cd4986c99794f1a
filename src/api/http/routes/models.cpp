#include <fmt/format.h>

#include <utility>

#include "api/http/routes.h"
#include "api/wire/replies.h"

namespace imagined::api {
namespace {

/// None: no other server is named.
const service::Upstreams* upstreams_of(const Context& context) {
  return context.services.relay == nullptr ? nullptr : &context.services.relay->upstreams();
}

/// The upstream that has a model which is not ours; null: there is none.
const service::Upstream* upstream_of(const Context& context, const std::string& model) {
  const service::Upstreams* upstreams = upstreams_of(context);
  if (upstreams == nullptr) return nullptr;
  const auto found = upstreams->models().find(model);
  return found == upstreams->models().end() ? nullptr : found->second;
}

Result<Response> language_model(const Context& context, const Exchange& exchange) {
  TRY(require(*exchange.caller, service::Scope::models));
  const std::string& id = exchange.params["id"];
  if (const service::Upstream* upstream = upstream_of(context, id))
    return json_reply(wire::language_model_body(id, *upstream));
  return fail(ErrorCode::not_found, fmt::format("no other server has a model {:?}", id), "model");
}

Result<Response> one_model(const Context& context, const Exchange& exchange,
                           std::string (*body)(const wire::OfferedModel&)) {
  TRY(require(*exchange.caller, service::Scope::models));
  const service::Model* model = TRY(context.services.catalogue.resolve(exchange.params["id"]));
  return json_reply(body({*model, context.services.workers}));
}

}  // namespace

Async<Result<Response>> list_models(const Context& context, Exchange& exchange) {
  if (auto may = require(*exchange.caller, service::Scope::models); !may)
    co_return tl::unexpected(std::move(may.error()));
  co_return json_reply(wire::models_body(context.services.catalogue, context.services.workers,
                                         upstreams_of(context)));
}
Async<Result<Response>> list_language_models(const Context& context, Exchange& exchange) {
  if (auto may = require(*exchange.caller, service::Scope::models); !may)
    co_return tl::unexpected(std::move(may.error()));
  co_return json_reply(wire::language_models_body(upstreams_of(context)));
}
/// There are none, and clients that list every kind must be told so.
Async<Result<Response>> list_embedding_models(const Context&, Exchange& exchange) {
  if (auto may = require(*exchange.caller, service::Scope::models); !may)
    co_return tl::unexpected(std::move(may.error()));
  co_return json_reply(R"({"models":[]})");
}
Async<Result<Response>> show_language_model(const Context& context, Exchange& exchange) {
  co_return language_model(context, exchange);
}
Async<Result<Response>> show_model(const Context& context, Exchange& exchange) {
  const std::string& id = exchange.params["id"];
  if (context.services.catalogue.find(id) == nullptr && upstream_of(context, id) != nullptr)
    co_return language_model(context, exchange);
  co_return one_model(context, exchange, wire::model_body);
}
Async<Result<Response>> list_image_models(const Context& context, Exchange& exchange) {
  if (auto may = require(*exchange.caller, service::Scope::models); !may)
    co_return tl::unexpected(std::move(may.error()));
  co_return json_reply(
      wire::image_models_body(context.services.catalogue, context.services.workers));
}
Async<Result<Response>> list_video_models(const Context& context, Exchange& exchange) {
  if (auto may = require(*exchange.caller, service::Scope::models); !may)
    co_return tl::unexpected(std::move(may.error()));
  co_return json_reply(
      wire::video_models_body(context.services.catalogue, context.services.workers));
}
Async<Result<Response>> show_video_model(const Context& context, Exchange& exchange) {
  auto reply = one_model(context, exchange, wire::video_model_body);
  if (!reply) co_return reply;
  const service::Model* model = context.services.catalogue.find(exchange.params["id"]);
  if (model == nullptr || !wire::makes_videos({*model, context.services.workers}))
    co_return fail(ErrorCode::not_found,
                   fmt::format("the model \"{}\" makes no videos", exchange.params["id"]), "model");
  co_return reply;
}
Async<Result<Response>> show_image_model(const Context& context, Exchange& exchange) {
  co_return one_model(context, exchange, wire::image_model_body);
}

}  // namespace imagined::api
