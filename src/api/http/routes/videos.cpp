// /v1/videos: asked for at once, made in its time, and looked at until it is there.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "api/call/door.h"
#include "api/call/keeping.h"
#include "api/call/taking.h"
#include "api/call/upload.h"
#include "api/call/video_state.h"
#include "api/http/asking.h"
#include "api/http/picture_reply.h"
#include "api/http/routes.h"
#include "api/wire/video_replies.h"
#include "api/wire/video_request.h"

namespace imagined::api {
namespace {

using service::VideoTask;

/// The body of a request for a video, on a thread of the pool.
class VideoSink final : public BodySink {
 public:
  VideoSink(const Services& services, const service::Caller& caller, VideoTask task)
      : services_(services),
        upload_([&services, &caller] { return services.intake.begin(caller); }),
        body_(task, upload_) {}

  Result<void> take(std::string_view bytes) override { return body_.feed(bytes); }
  Result<void> finish() override {
    call_ = body_.finish(services_.catalogue, services_.images.usual_video_model(),
                         wire::video_makers(services_.catalogue, services_.workers));
    return {};
  }

  /// What was asked for, or what is wrong with it.
  const Result<wire::VideoCall>& call() const { return call_; }

 private:
  const Services& services_;
  Upload upload_;
  wire::VideoBody body_;
  Result<wire::VideoCall> call_ = fail(ErrorCode::invalid_argument, "the request has no body");
};

std::unique_ptr<BodySink> take_task(const Context& context, Exchange& exchange, VideoTask task) {
  return std::make_unique<VideoSink>(context.services, *exchange.caller, task);
}

}  // namespace

std::unique_ptr<BodySink> take_video(const Context& context, Exchange& exchange) {
  return take_task(context, exchange, VideoTask::generation);
}

std::unique_ptr<BodySink> take_video_extension(const Context& context, Exchange& exchange) {
  return take_task(context, exchange, VideoTask::extension);
}

std::unique_ptr<BodySink> take_video_edit(const Context& context, Exchange& exchange) {
  return take_task(context, exchange, VideoTask::edit);
}

Async<Result<Response>> create_video(const Context& context, Exchange& exchange) {
  const Result<wire::VideoCall>& call = static_cast<const VideoSink&>(*exchange.sink).call();
  auto asking = read_asking(exchange.request.headers);
  if (!asking) co_return tl::unexpected(asking.error());
  asking->deferred = true;
  // As create_images does, but for the model that is asked for videos where nobody names one.
  const std::string_view model = call ? std::string_view(call->request.frames.model)
                                      : context.services.images.usual_video_model().id;
  if (auto in = co_await pass_the_door(context, exchange, model); !in) {
    co_return tl::unexpected(std::move(in.error()));
  }
  if (!call) co_return tl::unexpected(call.error());
  const OwnNames names = own_names(context.options, exchange);
  auto request = co_await on_pool(context.fetch_pool,
                                  [&] { return take_given(context, exchange, *call, names); });
  if (!request) co_return tl::unexpected(std::move(request.error()));
  if (request->storage) {
    auto may = co_await on_pool(
        context.pool, [&] { return check_storage(context, exchange, *request->storage); });
    if (!may) co_return tl::unexpected(std::move(may.error()));
  }
  if (!request->upload_url.empty()) {
    if (auto may = context.services.delivery.check(request->upload_url); !may)
      co_return tl::unexpected(std::move(may.error()));
  }
  const auto order = co_await on_pool(context.pool, [&] {
    return context.services.images.submit(*exchange.caller, *request, *asking);
  });
  if (!order) co_return tl::unexpected(order.error());
  exchange.job_id = order->job.id;
  const std::vector<std::string>& warnings = call->request.frames.warnings;
  Response response =
      with_warnings(json_reply(wire::asked_video_body(order->job.id, warnings)), warnings);
  response.headers.add("x-cache", std::string(service::to_string(order->cache)));
  context.services.outcomes.cache(order->cache);
  co_return response;
}

Async<Result<Response>> show_video(const Context& context, Exchange& exchange) {
  const std::string& id = exchange.params["request_id"];
  const auto state =
      co_await on_pool(context.pool, [&] { return look_at_video(context, exchange, id); });
  if (!state) co_return tl::unexpected(state.error());
  const service::Job& job = state->job;
  exchange.job_id = job.id;
  const std::vector<std::string>& warnings = state->warnings;
  const auto pending = [&](int percent) {
    const std::string body = wire::pending_video_body(id, percent, job.sold.model, warnings);
    return with_warnings(json_reply(body, 202), warnings);
  };
  switch (state->kind) {
    case VideoState::Kind::pending:
      co_return pending(state->percent);
    case VideoState::Kind::refused:
      co_return with_warnings(json_reply(wire::refused_video_body(
                                  id, job.sold.model, state->charged_usd_ticks, warnings)),
                              warnings);
    case VideoState::Kind::failed:  // no fault of HTTP, or pollers would try again
      co_return with_warnings(json_reply(wire::failed_body(id, service::reason_of(job),
                                                           state->charged_usd_ticks, warnings)),
                              warnings);
    case VideoState::Kind::expired:
      co_return json_reply(wire::expired_video_body(id));
    case VideoState::Kind::done:
      break;
  }
  const service::StoredPicture& clip = state->finished->pictures.front();
  const std::string base = base_url(context.options, exchange);
  std::string url = context.services.links.url_of(clip, base);
  std::string upload_error;
  if (!state->upload_url.empty()) {
    const auto sent = context.services.delivery.put_once(
        *exchange.caller, clip, state->upload_url,
        [&context](std::function<void()> work) { context.upload_pool.start(std::move(work)); });
    // Clients look until it is done, and not again: it is done when it is known where it lies.
    if (!sent) {
      constexpr int kAlmost = 99;
      co_return pending(kAlmost);
    }
    // What was not delivered is made and paid for, and still to be had here.
    if (*sent) url = state->upload_url;
    if (!*sent) upload_error = sent->error().message;
  }
  wire::Usage usage = usage_of({}, *state->finished);
  usage.warnings = warnings;
  const wire::KeptFile file{.file = state->file ? &*state->file : nullptr, .base = base};
  Response response =
      json_reply(wire::video_body(id, job.sold.model, clip, url, usage, file, upload_error));
  add_warnings(usage.warnings, response);
  co_return response;
}

Async<Result<Response>> cancel_video(const Context& context, Exchange& exchange) {
  const std::string& id = exchange.params["request_id"];
  const auto cancelled = co_await on_pool(context.pool, [&]() -> Result<void> {
    TRY(look_at_video(context, exchange, id));
    TRY(context.services.images.cancel(*exchange.caller, id));
    return {};
  });
  if (!cancelled) co_return tl::unexpected(cancelled.error());
  co_return co_await show_video(context, exchange);
}

}  // namespace imagined::api
