// xai_api.Video: the requests of /v1/videos in other messages, read by the same reader.
#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <xai/api/v1/video.grpc.pb.h>
#include "api/call/door.h"
#include "api/call/keeping.h"
#include "api/call/taking.h"
#include "api/call/upload.h"
#include "api/call/video_state.h"
#include "api/grpc/file_output.h"
#include "api/grpc/services.h"
#include "api/grpc/unreadable.h"
#include "api/wire/replies.h"
#include "api/wire/video_replies.h"
#include "api/wire/video_request.h"
#include "base/json_text.h"

namespace imagined::api {
namespace {

using service::VideoTask;

struct Word {
  int number;
  std::string_view word;
};
constexpr Word kVideoRatios[] = {
    {xai_api::VIDEO_ASPECT_RATIO_1_1, "1:1"},   {xai_api::VIDEO_ASPECT_RATIO_16_9, "16:9"},
    {xai_api::VIDEO_ASPECT_RATIO_9_16, "9:16"}, {xai_api::VIDEO_ASPECT_RATIO_4_3, "4:3"},
    {xai_api::VIDEO_ASPECT_RATIO_3_4, "3:4"},   {xai_api::VIDEO_ASPECT_RATIO_3_2, "3:2"},
    {xai_api::VIDEO_ASPECT_RATIO_2_3, "2:3"},
};
constexpr Word kVideoResolutions[] = {
    {xai_api::VIDEO_RESOLUTION_480P, "480p"},
    {xai_api::VIDEO_RESOLUTION_720P, "720p"},
    {xai_api::VIDEO_RESOLUTION_1080P, "1080p"},  // for the reader to refuse
};

/// Adds what a number means, unless it means that nothing was given.
template <class Enum, std::size_t n>
Result<void> add_word(const char* name, Enum number, const Word (&words)[n], JsonText& body) {
  if (number == 0) return {};
  const auto* word = std::ranges::find(words, static_cast<int>(number), &Word::number);
  if (word == std::end(words)) return not_listed(name, number);
  body.add(name, word->word);
  return {};
}

void add_text(const char* name, const std::string& text, JsonText& body) {
  if (!text.empty()) body.add(name, text);
}

template <class Given>
JsonText given_value(const Given& given, const std::string& url) {
  return given.file_id().empty() ? JsonText::object({{"url", url}})
                                 : JsonText::object({{"file_id", given.file_id()}});
}

void add_picture(const char* name, bool given, const xai_api::ImageUrlContent& picture,
                 JsonText& body) {
  if (given) body.add(name, given_value(picture, picture.image_url()));
}

void add_video(bool given, const xai_api::VideoUrlContent& video, JsonText& body) {
  if (given) body.add("video", given_value(video, video.url()));
}

// What the reader knows and refuses by name.
void add_number_of(const char* name, int count, JsonText& body) {
  if (count > 0) body.add(name, count);
}

JsonText storage_value(const xai_api::StorageOptions& options) {
  JsonText value = JsonText::object({{"filename", options.filename()}});
  if (options.has_expires_after()) value.add("expires_after", options.expires_after());
  if (!options.has_public_url()) return value;
  JsonText everybody = JsonText::object();
  if (options.public_url().has_expires_after())
    everybody.add("expires_after", options.public_url().expires_after());
  return value.add("public_url", everybody);
}

VideoTask task_of(const xai_api::GenerateVideoRequest& request) {
  return request.has_video() ? VideoTask::edit : VideoTask::generation;
}
VideoTask task_of(const xai_api::ExtendVideoRequest&) { return VideoTask::extension; }

Result<JsonText> body_of(const xai_api::GenerateVideoRequest& request) {
  JsonText body = JsonText::object({{"prompt", request.prompt()}});
  add_text("model", request.model(), body);
  if (request.has_duration()) body.add("duration", request.duration());
  add_picture("image", request.has_image(), request.image(), body);
  add_video(request.has_video(), request.video(), body);
  TRY(add_word("aspect_ratio", request.aspect_ratio(), kVideoRatios, body));
  TRY(add_word("resolution", request.resolution(), kVideoResolutions, body));
  add_number_of("reference_images", request.reference_images_size(), body);
  add_number_of("reference_audios", request.reference_audios_size(), body);
  add_number_of("keyframes", request.keyframes_size(), body);
  add_picture("last_frame", request.has_last_frame(), request.last_frame(), body);
  if (request.has_storage_options())
    body.add("storage_options", storage_value(request.storage_options()));
  return body;
}

Result<JsonText> body_of(const xai_api::ExtendVideoRequest& request) {
  JsonText body = JsonText::object({{"prompt", request.prompt()}});
  add_text("model", request.model(), body);
  if (request.has_duration()) body.add("duration", request.duration());
  add_video(request.has_video(), request.video(), body);
  if (request.has_storage_options())
    body.add("storage_options", storage_value(request.storage_options()));
  return body;
}

/// What is given within the request goes to blobs. Blocks.
template <class Request>
Result<wire::VideoCall> read_video(const CallContext& context, const GrpcCall& call,
                                   const Request& request) {
  Upload upload([&] { return context.services.intake.begin(*call.caller); });
  wire::VideoBody body(task_of(request), upload);
  const JsonText asked = TRY(body_of(request));
  TRY(body.feed(asked.text()));
  const Services& services = context.services;
  return body.finish(services.catalogue, services.images.usual_video_model(),
                     wire::video_makers(services.catalogue, services.workers));
}

template <class Request>
Async<Result<void>> start_video(const GrpcContext& context, GrpcCall& call, const Request& request,
                                xai_api::StartDeferredResponse& reply) {
  auto asking = read_asking(call);
  if (!asking) co_return tl::unexpected(asking.error());
  asking->deferred = true;
  const auto wanted =
      co_await on_pool(context.pool, [&] { return read_video(context, call, request); });
  // As over HTTP: what cannot be read is drawn for the model that is asked where nobody names one.
  const std::string_view model = wanted ? std::string_view(wanted->request.frames.model)
                                        : context.services.images.usual_video_model().id;
  auto in = co_await pass_the_door(context, call, model);
  if (!in) co_return in;
  if (!wanted) co_return tl::unexpected(wanted.error());
  const OwnNames names = own_names(context, call);
  auto payload = co_await on_pool(context.fetch_pool,
                                  [&] { return take_given(context, call, *wanted, names); });
  if (!payload) co_return tl::unexpected(std::move(payload.error()));
  if (payload->storage) {
    auto may = co_await on_pool(context.pool,
                                [&] { return check_storage(context, call, *payload->storage); });
    if (!may) co_return tl::unexpected(std::move(may.error()));
  }
  const auto order = co_await on_pool(context.pool, [&] {
    return context.services.images.submit(*call.caller, *payload, *asking);
  });
  if (!order) co_return tl::unexpected(order.error());
  call.job_id = order->job.id;
  reply.set_request_id(order->job.id);
  co_return Result<void>();
}

void tell(const VideoState& state, const service::Links& links, std::string_view base,
          xai_api::GetDeferredVideoResponse& reply) {
  using Kind = VideoState::Kind;
  const bool is_there = state.kind == Kind::done || state.kind == Kind::refused;
  reply.set_status(is_there                      ? xai_api::DONE
                   : state.kind == Kind::expired ? xai_api::EXPIRED
                   : state.kind == Kind::pending ? xai_api::PENDING
                                                 : xai_api::FAILED);
  if (state.kind == Kind::expired) return;
  xai_api::VideoResponse& response = *reply.mutable_response();
  response.set_model(state.job.sold.model);
  response.set_progress(is_there ? 100 : state.percent);
  if (state.kind == Kind::pending) return;
  response.mutable_usage()->set_cost_in_usd_ticks(state.finished ? state.finished->cost_usd_ticks
                                                                 : state.charged_usd_ticks);
  if (state.kind == Kind::failed) {
    const Error reason = service::reason_of(state.job);
    response.mutable_error()->set_code(std::string(wire::failure_code(reason)));
    response.mutable_error()->set_message(reason.message);
    return;
  }
  xai_api::GeneratedVideo& video = *response.mutable_video();
  video.set_respect_moderation(state.kind == Kind::done);
  if (state.kind == Kind::refused) return;
  const service::StoredPicture& clip = state.finished->pictures.front();
  video.set_url(links.url_of(clip, base));
  video.set_duration(static_cast<std::int32_t>(wire::duration_s(clip)));
  if (state.file && *state.file)
    fill_file_output(**state.file, base, *video.mutable_file_output());
  else if (state.file)
    video.set_storage_error(state.file->error().message);
}

Async<Result<void>> get_video(const GrpcContext& context, GrpcCall& call,
                              const xai_api::GetDeferredVideoRequest& request,
                              xai_api::GetDeferredVideoResponse& reply) {
  const auto state = co_await on_pool(
      context.pool, [&] { return look_at_video(context, call, request.request_id()); });
  if (!state) co_return tl::unexpected(state.error());
  call.job_id = state->job.id;
  tell(*state, context.services.links, own_names(context, call).base, reply);
  co_return Result<void>();
}

using VideoMethods = xai_api::Video::WithRawCallbackMethod_GenerateVideo<
    xai_api::Video::WithRawCallbackMethod_ExtendVideo<
        xai_api::Video::WithRawCallbackMethod_GetDeferredVideo<xai_api::Video::Service>>>;

class VideoFace final : public VideoMethods {
 public:
  explicit VideoFace(GrpcLoop loop) : loop_(loop) {}

  grpc::ServerUnaryReactor* GenerateVideo(grpc::CallbackServerContext* wire,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Video/GenerateVideo", *request, *reply,
                  start_video<xai_api::GenerateVideoRequest>);
  }
  grpc::ServerUnaryReactor* ExtendVideo(grpc::CallbackServerContext* wire,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Video/ExtendVideo", *request, *reply,
                  start_video<xai_api::ExtendVideoRequest>);
  }
  grpc::ServerUnaryReactor* GetDeferredVideo(grpc::CallbackServerContext* wire,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Video/GetDeferredVideo", *request, *reply, get_video);
  }

 private:
  const GrpcLoop loop_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_video_service(GrpcLoop loop) {
  return std::make_unique<VideoFace>(loop);
}

}  // namespace imagined::api
