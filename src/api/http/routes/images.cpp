#include "api/http/door.h"
#include "api/http/picture_reply.h"
#include "api/http/routes.h"
#include "api/wire/image_request.h"

namespace imagined::api {

Async<Result<Response>> create_images(const Context& context, Exchange& exchange) {
  const Services& services = context.services;
  const auto asking = read_asking(exchange.request.headers);
  if (!asking) co_return tl::unexpected(asking.error());
  auto call = wire::parse_generation_call(exchange.request.body, services.catalogue,
                                          context.options.dialect);
  // What cannot be read is drawn for the default model: a flood of bad requests is a flood too.
  const std::string_view model = call ? call->request.model : std::string_view();
  if (auto in = co_await pass_the_door(context, exchange, model); !in) {
    co_return tl::unexpected(std::move(in.error()));
  }
  if (!call) co_return tl::unexpected(std::move(call.error()));
  auto order = co_await on_pool(context.pool, [&] {
    return services.images.submit(*exchange.caller, call->request, *asking);
  });
  if (!order) co_return tl::unexpected(std::move(order.error()));
  co_return co_await reply_when_made(context, exchange, std::move(*order), *call);
}

}  // namespace imagined::api
