// xai_api.Image: new pictures, and pictures out of given ones.
#include <fmt/format.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <xai/api/v1/image.grpc.pb.h>
#include "api/call/door.h"
#include "api/call/job_wait.h"
#include "api/call/keeping.h"
#include "api/call/taking.h"
#include "api/call/upload.h"
#include "api/grpc/file_output.h"
#include "api/grpc/request.h"
#include "api/grpc/services.h"
#include "api/grpc/times.h"
#include "base/crypto.h"

namespace imagined::api {
namespace {

using service::FinishedPictures;
using service::StoredPicture;

// What the SDK takes; a larger reply would fail there, made and paid for.
constexpr std::size_t kReplyBytesMax = 20u << 20;
constexpr std::size_t kReplyBytesBesidePictures = 64u << 10;

/// Pictures within the request go to blobs. Blocks.
Result<wire::EditCall> upload_given(const CallContext& context, const GrpcCall& call,
                                    wire::EditCall wanted) {
  Upload upload([&] { return context.services.intake.begin(*call.caller); });
  for (std::size_t i = 0; i < wanted.references.size(); ++i) {
    wire::GivenPicture& given = wanted.references[i];
    if (!given.file_id.empty() || is_link(given.url)) continue;
    wire::PictureText text(upload);
    auto taken = text.take(given.url);
    auto name = taken ? text.end() : Result<std::string>(tl::unexpected(taken.error()));
    if (!name)
      return tl::unexpected(
          service::about_picture(std::move(name.error()), service::reference_name(i)));
    given = {.upload = std::move(*name), .url = {}, .file_id = {}};
  }
  return wanted;
}

Result<service::JobPayload> payload_of(const CallContext& context, const GrpcCall& call,
                                       const wire::EditCall& wanted, const OwnNames& names) {
  if (wanted.references.empty()) return wanted.fields.request;
  TRY(check_number(context, wanted));
  wire::EditCall uploaded = TRY(upload_given(context, call, wanted));
  return TRY(take_pictures(context, call, uploaded, names));
}

/// What a job has made, on its way into the reply. Blocks.
struct Filling {
  const CallContext& context;
  const GrpcCall& call;
  const FinishedPictures& finished;
  const std::optional<service::FileWish>& storage;
  const OwnNames& names;
  const bool as_base64;
  xai_api::ImageResponse& reply;

  Result<void> run() const {
    for (const StoredPicture& picture : finished.pictures) TRY(add(picture));
    const auto tokens = static_cast<std::int32_t>(finished.reading.tokens_read);
    xai_api::SamplingUsage& usage = *reply.mutable_usage();
    usage.set_prompt_tokens(tokens);
    usage.set_prompt_text_tokens(tokens);
    usage.set_total_tokens(tokens);
    usage.set_cost_in_usd_ticks(finished.cost_usd_ticks);
    return {};
  }

 private:
  Result<void> add(const StoredPicture& picture) const {
    xai_api::GeneratedImage& image = *reply.add_images();
    image.set_respect_moderation(true);
    if (storage) add_file(picture, image);
    const std::string head = fmt::format("data:{};base64,", mime_type(picture.format));
    const std::size_t bytes =
        head.size() + base64_size(static_cast<std::size_t>(picture.size_bytes));
    // What does not fit comes as a link: it is made and paid for.
    if (!as_base64 || reply.ByteSizeLong() + bytes + kReplyBytesBesidePictures > kReplyBytesMax) {
      image.set_url(context.services.links.url_of(picture, names.base));
      return {};
    }
    const service::PictureFile file =
        TRY(context.services.images.read_picture(*call.caller, picture.id));
    std::string& text = *image.mutable_base64();
    text.reserve(bytes);
    text = head;
    append_base64(file.bytes, text);
    return {};
  }
  void add_file(const StoredPicture& picture, xai_api::GeneratedImage& image) const {
    const auto file = keep_as_file(context, call, *storage, finished, picture);
    if (file) {
      fill_file_output(*file, names.base, *image.mutable_file_output());
    } else {
      image.set_storage_error(file.error().message);
    }
  }
};

/// As many pictures as were asked for, all of them kept back.
void keep_back(int count, const GrpcCall& call, xai_api::ImageResponse& reply) {
  for (int i = 0; i < count; ++i) reply.add_images()->set_respect_moderation(false);
  reply.mutable_usage()->set_cost_in_usd_ticks(call.charged_usd_ticks);
}

/// What does not block is done here, which takes less than the way to the pool and back.
template <class F>
Async<std::invoke_result_t<F>> done_where(bool blocks, Pool& pool, F work) {
  if (!blocks) co_return work();
  co_return co_await on_pool(pool, std::move(work));
}

Async<Result<void>> make_pictures(const GrpcContext& context, GrpcCall& call,
                                  const service::Asking& asking, const wire::EditCall& wanted,
                                  bool as_base64, xai_api::ImageResponse& reply) {
  const Services& services = context.services;
  const OwnNames names = own_names(context, call);
  if (wanted.fields.storage) {
    auto may = check_storage(context, call, *wanted.fields.storage);
    if (!may) co_return may;
  }
  const bool takes_pictures = !wanted.references.empty();
  auto payload = co_await done_where(takes_pictures, context.fetch_pool,
                                     [&] { return payload_of(context, call, wanted, names); });
  if (!payload) co_return tl::unexpected(std::move(payload.error()));
  if (call.client_gone.stop_requested())  // nothing is reserved yet
    co_return fail(ErrorCode::cancelled, "the client has gone away, or its deadline has passed");
  const auto order = co_await on_pool(
      context.pool, [&] { return services.images.submit(*call.caller, *payload, asking); });
  if (!order) co_return tl::unexpected(order.error());
  call.job_id = order->job.id;
  auto made = co_await finished(context, call, *order);
  if (!made) co_return tl::unexpected(std::move(made.error()));
  auto held = co_await context.budget.take(as_base64 ? kReplyBytesMax : kReplyBytesBesidePictures,
                                           kHeldWait, call.client_gone);
  if (!held) co_return fail(ErrorCode::unavailable, kTooManyReplies);
  call.held = std::move(*held);
  call.wire.AddInitialMetadata("x-cache", std::string(service::to_string(order->cache)));
  const Filling filling{context, call, *made, wanted.fields.storage, names, as_base64, reply};
  const bool reads_files = as_base64 || wanted.fields.storage.has_value();
  auto filled = co_await done_where(reads_files, context.pool, [&] { return filling.run(); });
  if (!filled) co_return filled;
  call.held.shrink(reply.ByteSizeLong());
  services.outcomes.pictures(std::ssize(made->pictures));
  services.outcomes.cache(order->cache);
  co_return filled;
}

Async<Result<void>> generate_image(const GrpcContext& context, GrpcCall& call,
                                   const xai_api::GenerateImageRequest& request,
                                   xai_api::ImageResponse& reply) {
  const auto asking = read_asking(call);
  if (!asking) co_return tl::unexpected(asking.error());
  const auto wanted = read_request(request, context.services.catalogue);
  // As over HTTP: what cannot be read is drawn for the default model.
  const std::string_view model = wanted ? wanted->fields.request.model : std::string_view();
  auto in = co_await pass_the_door(context, call, model);
  if (!in) co_return in;
  if (!wanted) co_return tl::unexpected(wanted.error());
  reply.set_model(wanted->fields.request.model);
  const bool as_base64 = request.format() == xai_api::IMG_FORMAT_BASE64;
  auto made = co_await make_pictures(context, call, *asking, *wanted, as_base64, reply);
  const bool is_kept_back = !made && context.moderated_is_kept_back &&
                            made.error().reason == ErrorReason::content_moderated;
  if (!is_kept_back) co_return made;
  context.services.outcomes.refused(made.error(), call.over_limit);
  keep_back(wanted->fields.request.count, call, reply);
  co_return Result<void>();
}

// Messages come as they are sent, and are read behind the door.
using ImageMethods = xai_api::Image::WithRawCallbackMethod_GenerateImage<xai_api::Image::Service>;

class ImageFace final : public ImageMethods {
 public:
  explicit ImageFace(GrpcLoop loop) : loop_(loop) {}

  grpc::ServerUnaryReactor* GenerateImage(grpc::CallbackServerContext* wire,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Image/GenerateImage", *request, *reply, generate_image);
  }

 private:
  const GrpcLoop loop_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_image_service(GrpcLoop loop) {
  return std::make_unique<ImageFace>(loop);
}

}  // namespace imagined::api
