// WebP both ways by libwebp.
#include <fmt/core.h>
#include <webp/decode.h>
#include <webp/encode.h>

#include <memory>
#include <string>

#include "base/check.h"
#include "image/decode_format.h"
#include "image/encode.h"

namespace imagined::image {
namespace {

struct FreeWebp {
  void operator()(std::uint8_t* bytes) const { WebPFree(bytes); }
};

}  // namespace

Result<std::vector<std::uint8_t>> encode_webp(const PictureView& picture, LossyOptions options) {
  check_view(picture);
  CHECK(options.quality >= 1 && options.quality <= 100, "webp quality {}", options.quality);
  const auto encode = picture.channels == 4 ? WebPEncodeRGBA : WebPEncodeRGB;
  std::uint8_t* made = nullptr;
  const std::size_t size_bytes =
      encode(picture.pixels.data(), picture.width, picture.height, picture.width * picture.channels,
             static_cast<float>(options.quality), &made);
  const std::unique_ptr<std::uint8_t, FreeWebp> owner(made);
  if (size_bytes == 0)
    return fail(ErrorCode::internal, "the picture could not be encoded as webp", {},
                "too large for the format, or no memory");
  return std::vector<std::uint8_t>(made, made + size_bytes);
}

Result<Picture> decode_webp(std::span<const std::uint8_t> file, const Header& header,
                            const Shrink& shrink, const DecodeLimits& limits) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0)
    return fail(ErrorCode::internal, "the image could not be decoded", "image",
                "libwebp's version");
  const WebPBitstreamFeatures& features = config.input;
  const VP8StatusCode status = WebPGetFeatures(file.data(), file.size(), &config.input);
  if (status != VP8_STATUS_OK) return broken_image("webp", std::to_string(status));
  if (features.has_animation != 0)
    return fail(ErrorCode::invalid_argument, "the image is an animated webp, expected one picture",
                "image");
  // The canvas of the outer header and the picture within may differ: only one was checked.
  if (features.width != header.width || features.height != header.height)
    return broken_image("webp", "two headers that disagree");
  constexpr int kLossless = 2;
  if (features.format == kLossless) TRY(check_held(header, shrink, limits, "a lossless webp"));
  const int channels = features.has_alpha != 0 ? 4 : 3;
  Picture picture{
      .width = shrink.width, .height = shrink.height, .channels = channels, .pixels = {}};
  picture.pixels.resize(area_bytes(shrink.width, shrink.height, channels));
  config.options.use_scaling = shrink.factor > 1 ? 1 : 0;
  config.options.scaled_width = shrink.width;
  config.options.scaled_height = shrink.height;
  config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = picture.pixels.data();
  config.output.u.RGBA.stride = shrink.width * channels;
  config.output.u.RGBA.size = picture.pixels.size();
  const VP8StatusCode decoded = WebPDecode(file.data(), file.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (decoded != VP8_STATUS_OK)
    return broken_image("webp", fmt::format("decoder refused it: {}", static_cast<int>(decoded)));
  return picture;
}

}  // namespace imagined::image
