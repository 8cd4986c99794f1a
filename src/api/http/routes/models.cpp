#include <optional>
#include <utility>

#include "api/call/talkers.h"
#include "api/http/routes.h"
#include "api/wire/replies.h"

namespace imagined::api {
namespace {

/// None: no other server is named.
const service::Upstreams* upstreams_of(const Context& context) {
  return context.services.relay == nullptr ? nullptr : &context.services.relay->upstreams();
}

std::optional<wire::OfferedTalker> talker_of(const Context& context, const std::string& model) {
  const Services& services = context.services;
  return wire::find_talker(model, services.catalogue, services.workers, upstreams_of(context));
}

Result<Response> language_model(const Context& context, const Exchange& exchange) {
  TRY(require(*exchange.caller, service::Scope::models));
  const std::string& id = exchange.params["id"];
  if (const auto talker = talker_of(context, id))
    return json_reply(wire::language_model_body(*talker));
  return tl::unexpected(no_talker(context.services.catalogue, id));
}

Result<Response> one_model(const Context& context, const Exchange& exchange,
                           std::string (*body)(const wire::OfferedModel&),
                           Result<void> (*check)(const wire::OfferedModel&) = nullptr) {
  TRY(require(*exchange.caller, service::Scope::models));
  const service::Model* model = TRY(context.services.catalogue.resolve(exchange.params["id"]));
  const wire::OfferedModel offered{*model, context.services.workers};
  if (check != nullptr) TRY(check(offered));
  return json_reply(body(offered));
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
  co_return json_reply(wire::language_models_body(context.services.catalogue,
                                                  context.services.workers, upstreams_of(context)));
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
  if (talker_of(context, exchange.params["id"])) co_return language_model(context, exchange);
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
  co_return one_model(context, exchange, wire::video_model_body, wire::check_makes_videos);
}
Async<Result<Response>> show_image_model(const Context& context, Exchange& exchange) {
  co_return one_model(context, exchange, wire::image_model_body, wire::check_makes_pictures);
}

}  // namespace imagined::api
