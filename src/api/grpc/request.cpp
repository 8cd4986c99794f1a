#include "api/grpc/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include <xai/api/v1/image.pb.h>
#include "api/grpc/unreadable.h"
#include "base/text.h"

namespace imagined::api {
namespace {

using service::AspectRatio;
using service::Resolution;
using xai_api::GenerateImageRequest;
using xai_api::ImageUrlContent;

struct RatioRow {
  xai_api::ImageAspectRatio number;
  AspectRatio ratio;
};
constexpr RatioRow kRatios[] = {
    {xai_api::IMG_ASPECT_RATIO_INVALID, AspectRatio::auto_},  // not given
    {xai_api::IMG_ASPECT_RATIO_1_1, AspectRatio::r1_1},
    {xai_api::IMG_ASPECT_RATIO_3_4, AspectRatio::r3_4},
    {xai_api::IMG_ASPECT_RATIO_4_3, AspectRatio::r4_3},
    {xai_api::IMG_ASPECT_RATIO_9_16, AspectRatio::r9_16},
    {xai_api::IMG_ASPECT_RATIO_16_9, AspectRatio::r16_9},
    {xai_api::IMG_ASPECT_RATIO_2_3, AspectRatio::r2_3},
    {xai_api::IMG_ASPECT_RATIO_3_2, AspectRatio::r3_2},
    {xai_api::IMG_ASPECT_RATIO_AUTO, AspectRatio::auto_},
    {xai_api::IMG_ASPECT_RATIO_9_19_5, AspectRatio::r9_19_5},
    {xai_api::IMG_ASPECT_RATIO_19_5_9, AspectRatio::r19_5_9},
    {xai_api::IMG_ASPECT_RATIO_9_20, AspectRatio::r9_20},
    {xai_api::IMG_ASPECT_RATIO_20_9, AspectRatio::r20_9},
    {xai_api::IMG_ASPECT_RATIO_1_2, AspectRatio::r1_2},
    {xai_api::IMG_ASPECT_RATIO_2_1, AspectRatio::r2_1},
};

Result<AspectRatio> read_ratio(const GenerateImageRequest& request) {
  const auto* row = std::ranges::find(kRatios, request.aspect_ratio(), &RatioRow::number);
  if (row == std::end(kRatios)) return not_listed("aspect_ratio", request.aspect_ratio());
  return row->ratio;
}

Result<Resolution> read_resolution(const GenerateImageRequest& request) {
  switch (request.resolution()) {
    case xai_api::IMG_RESOLUTION_INVALID:
    case xai_api::IMG_RESOLUTION_1K:
      return Resolution::k1;
    case xai_api::IMG_RESOLUTION_2K:
      return Resolution::k2;
    default:
      return not_listed("resolution", request.resolution());
  }
}

Result<void> check_other_enums(const GenerateImageRequest& request) {
  if (!xai_api::ImageFormat_IsValid(request.format()))
    return not_listed("format", request.format());
  if (!xai_api::ImageQuality_IsValid(request.quality()))
    return not_listed("quality", request.quality());
  return {};
}

Result<wire::GivenPicture> read_picture(const ImageUrlContent& given, std::size_t index) {
  wire::GivenPicture picture;
  picture.url = given.image_url();
  picture.file_id = given.file_id();
  if (!picture.url.empty() || !picture.file_id.empty()) return picture;
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} has neither image_url nor file_id", service::reference_name(index)),
              "image");
}

Result<std::optional<service::FileWish>> read_storage(const GenerateImageRequest& request) {
  if (!request.has_storage_options()) return std::nullopt;
  const xai_api::StorageOptions& options = request.storage_options();
  service::FileWish wish{.name = options.filename(), .life_s = {}};
  if (options.has_expires_after()) wish.life_s = options.expires_after();
  if (options.has_public_url()) {
    wish.for_everybody.emplace();
    if (options.public_url().has_expires_after())
      wish.for_everybody->life_s = options.public_url().expires_after();
  }
  return wish;
}

Result<std::vector<wire::GivenPicture>> read_pictures(const GenerateImageRequest& request) {
  if (request.has_image() && request.images_size() > 0)
    return fail(ErrorCode::invalid_argument, "image and images are both given; use one of them",
                "images");
  std::vector<wire::GivenPicture> pictures;
  if (request.has_image()) pictures.push_back(TRY(read_picture(request.image(), 0)));
  for (const ImageUrlContent& given : request.images())
    pictures.push_back(TRY(read_picture(given, pictures.size())));
  return pictures;
}

// Of base64 that the client could not receive, which is said before anything is made: a JPEG of
// ours has less than a byte for each pixel.
Result<void> check_reply_fits(const GenerateImageRequest& request,
                              const service::PictureRequest& wanted) {
  if (request.format() != xai_api::IMG_FORMAT_BASE64) return {};
  constexpr std::int64_t kPixelsMax = 15'000'000;  // as base64 just under the SDK's 20 MiB
  const auto size = service::picture_size(wanted.aspect_ratio, wanted.resolution);
  const std::int64_t pixels = std::int64_t{size.width} * size.height;
  const std::int64_t fit = kPixelsMax / pixels;
  if (wanted.count <= fit) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("n is {}: of pictures of {}x{} as base64 at most {} fit into the 20 MiB "
                          "that the SDK receives; ask for fewer, or for links",
                          wanted.count, size.width, size.height, fit),
              "n");
}

}  // namespace

bool is_link(std::string_view text) {
  constexpr std::string_view kSchemes[] = {"http://", "https://"};
  return std::ranges::any_of(kSchemes, [&](std::string_view scheme) {
    return equal_ignoring_case(text.substr(0, scheme.size()), scheme);
  });
}

Result<wire::EditCall> read_request(const GenerateImageRequest& request,
                                    const service::Catalogue& catalogue) {
  const service::Model* model = request.model().empty() ? &catalogue.default_model()
                                                        : TRY(catalogue.resolve(request.model()));
  service::Prompt prompt = TRY(service::Prompt::parse(request.prompt(), model->max_prompt_length));
  service::PictureRequest wanted{.model = model->id, .prompt = std::move(prompt)};
  if (request.has_n()) wanted.count = TRY(service::check_picture_count(request.n()));
  wanted.aspect_ratio = TRY(read_ratio(request));
  wanted.resolution = TRY(read_resolution(request));
  TRY(check_other_enums(request));
  TRY(service::check_user(request.user()));
  wanted.user = request.user();
  TRY(check_reply_fits(request, wanted));
  auto references = TRY(read_pictures(request));
  auto storage = TRY(read_storage(request));
  return wire::EditCall{.fields = {.request = std::move(wanted), .storage = std::move(storage)},
                        .references = std::move(references),
                        .mask = {}};
}

}  // namespace imagined::api
