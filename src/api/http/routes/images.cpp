#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

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

namespace {

struct AskedBefore {
  service::Job job;
  std::vector<std::string> warnings;
};

/// Of a video that stands elsewhere the job alone. Blocks on the stores.
Result<AskedBefore> look_at(service::ImageService& images, const service::Caller& caller,
                            const std::string& id) {
  AskedBefore before{.job = TRY(images.find(caller, id)), .warnings = {}};
  if (before.job.kind == service::JobKind::videos) return before;
  // Of one that cannot be read the job has failed.
  if (const auto asked = images.asked_for(caller, id))
    before.warnings = service::wanted_pictures(*asked).warnings;
  return before;
}

}  // namespace

Async<Result<Response>> show_pictures(const Context& context, Exchange& exchange) {
  const std::string& id = exchange.params["request_id"];
  const auto before = co_await on_pool(
      context.pool, [&] { return look_at(context.services.images, *exchange.caller, id); });
  if (!before) co_return tl::unexpected(before.error());
  const service::Job& job = before->job;
  const std::vector<std::string>& warnings = before->warnings;
  if (job.kind == service::JobKind::videos)
    co_return fail(
        ErrorCode::not_found,
        fmt::format("the request {:?} makes a video, which is at /v1/videos/{}", id, id));
  exchange.job_id = job.id;
  if (!service::is_final(job.state))
    co_return with_warnings(json_reply(wire::pending_body(id, warnings), 202), warnings);
  const service::Order order{.job = job};
  const auto made = co_await finished(context, exchange, order);
  // No fault of HTTP, or pollers would try again.
  if (!made && job.state != service::JobState::succeeded)
    co_return with_warnings(
        json_reply(wire::failed_body(id, made.error(), exchange.charged_usd_ticks, warnings)),
        warnings);
  if (!made) co_return tl::unexpected(made.error());
  co_return co_await reply_to_deferred(context, exchange, *made, warnings);
}

}  // namespace imagined::api
