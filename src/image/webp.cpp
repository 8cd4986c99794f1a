// WebP by libwebp, reading only.
#include <webp/decode.h>

#include <string>

#include "image/decode_format.h"

namespace imagined::image {

Result<Picture> decode_webp(std::span<const std::uint8_t> file, const Header& header) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(file.data(), file.size(), &features);
  if (status != VP8_STATUS_OK) return broken_image("webp", std::to_string(status));
  if (features.has_animation != 0)
    return fail(ErrorCode::invalid_argument, "the image is an animated webp, expected one picture",
                "image");
  // The canvas of the outer header and the picture within may differ: only one was checked.
  if (features.width != header.width || features.height != header.height)
    return broken_image("webp", "two headers that disagree");
  const int channels = features.has_alpha != 0 ? 4 : 3;
  Picture picture{
      .width = header.width, .height = header.height, .channels = channels, .pixels = {}};
  picture.pixels.resize(area_bytes(header.width, header.height, channels));
  const auto into = channels == 4 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  const auto* decoded = into(file.data(), file.size(), picture.pixels.data(), picture.pixels.size(),
                             header.width * channels);
  if (decoded == nullptr) return broken_image("webp", "decoder refused it");
  return picture;
}

}  // namespace imagined::image
