#include <fmt/format.h>

#include "api/call/door.h"
#include "api/call/job_wait.h"
#include "api/http/asking.h"
#include "api/http/picture_reply.h"
#include "api/http/routes.h"
#include "api/wire/image_request.h"

namespace imagined::api {

Async<Result<Response>> create_images(const Context& context, Exchange& exchange) {
  const Services& services = context.services;
  auto asking = read_asking(exchange.request.headers);
  if (!asking) co_return tl::unexpected(asking.error());
  auto call = wire::parse_generation_call(exchange.request.body, services.catalogue,
                                          context.options.dialect);
  // What cannot be read is drawn for the default model: a flood of bad requests is a flood too.
  const std::string_view model = call ? call->request.model : std::string_view();
  if (auto in = co_await pass_the_door(context, exchange, model); !in) {
    co_return tl::unexpected(std::move(in.error()));
  }
  if (!call) co_return tl::unexpected(std::move(call.error()));
  exchange.ordered = call->request.count;
  if (auto settled = settle(context, exchange, *call, *asking); !settled)
    co_return tl::unexpected(std::move(settled.error()));
  const auto order = co_await on_pool(context.pool, [&] {
    return services.images.submit(*exchange.caller, call->request, *asking);
  });
  if (!order) co_return tl::unexpected(order.error());
  co_return co_await reply_with_pictures(context, exchange, *order, *asking, *call);
}

Async<Result<Response>> show_pictures(const Context& context, Exchange& exchange) {
  service::ImageService& images = context.services.images;
  const std::string& id = exchange.params["request_id"];
  const auto job =
      co_await on_pool(context.pool, [&] { return images.find(*exchange.caller, id); });
  if (!job) co_return tl::unexpected(job.error());
  if (job->kind == service::JobKind::videos)
    co_return fail(
        ErrorCode::not_found,
        fmt::format("the request {:?} makes a video, which is at /v1/videos/{}", id, id));
  exchange.job_id = job->id;
  if (!service::is_final(job->state)) co_return json_reply(wire::pending_body(id), 202);
  const service::Order order{.job = *job};
  const auto made = co_await finished(context, exchange, order);
  // No fault of HTTP, or pollers would try again.
  if (!made && job->state != service::JobState::succeeded)
    co_return json_reply(wire::failed_body(id, made.error(), exchange.charged_usd_ticks));
  if (!made) co_return tl::unexpected(made.error());
  co_return co_await reply_to_deferred(context, exchange, *made);
}

}  // namespace imagined::api
