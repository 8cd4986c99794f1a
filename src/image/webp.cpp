// WebP both ways by libwebp.
#include <fmt/core.h>
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/check.h"
#include "image/bytes.h"
#include "image/decode_format.h"
#include "image/encode.h"

namespace imagined::image {
namespace {

struct FreeWebp {
  void operator()(std::uint8_t* bytes) const { WebPFree(bytes); }
};

struct FreeDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

/// A picture as libwebp reads it, and where it stands on the canvas.
struct Frame {
  int left = 0;
  int top = 0;
  Bytes file;
};

/// The first picture of an animation; its bytes are a part of the file's.
Result<Frame> first_frame(Bytes file) {
  const WebPData data{.bytes = file.data(), .size = file.size()};
  const std::unique_ptr<WebPDemuxer, FreeDemuxer> demuxer(WebPDemux(&data));
  WebPIterator first;
  if (!demuxer || WebPDemuxGetFrame(demuxer.get(), 1, &first) == 0)
    return broken_image("webp", "an animation without a picture");
  const Frame frame{.left = first.x_offset,
                    .top = first.y_offset,
                    .file = {first.fragment.bytes, first.fragment.size}};
  WebPDemuxReleaseIterator(&first);
  return frame;
}

/// Where a pixel of the canvas is when it was made smaller.
int shrunk(int pixel, int side, int whole) {
  return static_cast<int>(static_cast<std::int64_t>(pixel) * side / whole);
}

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
  VP8StatusCode status = WebPGetFeatures(file.data(), file.size(), &config.input);
  if (status != VP8_STATUS_OK) return broken_image("webp", std::to_string(status));
  // The canvas of the outer header and the picture within may differ: only one was checked.
  if (features.width != header.width || features.height != header.height)
    return broken_image("webp", "two headers that disagree");
  Frame frame{.file = file};
  if (features.has_animation != 0) {
    frame = TRY(first_frame(file));
    status = WebPGetFeatures(frame.file.data(), frame.file.size(), &config.input);
    if (status != VP8_STATUS_OK || features.has_animation != 0)
      return broken_image("webp", std::to_string(status));
  }
  if (frame.left > header.width - features.width || frame.top > header.height - features.height)
    return broken_image("webp", "a picture beyond its canvas");
  constexpr int kLossless = 2;
  if (features.format == kLossless) TRY(check_held(header, shrink, limits, "a lossless webp"));
  const bool is_whole = features.width == header.width && features.height == header.height;
  const int channels = features.has_alpha != 0 || !is_whole ? 4 : 3;
  Picture picture{
      .width = shrink.width, .height = shrink.height, .channels = channels, .pixels = {}};
  picture.pixels.resize(area_bytes(shrink.width, shrink.height, channels));
  if (!is_whole)  // beside it the canvas is transparent, as in a GIF
    for (std::size_t i = 0; i < picture.pixels.size(); ++i)
      picture.pixels[i] = i % 4 == 3 ? 0 : 255;
  const int left = shrunk(frame.left, shrink.width, header.width);
  const int top = shrunk(frame.top, shrink.height, header.height);
  const int right = shrunk(frame.left + features.width, shrink.width, header.width);
  const int bottom = shrunk(frame.top + features.height, shrink.height, header.height);
  if (right == left || bottom == top) return picture;  // less than a pixel of it is left
  const std::size_t begin = area_bytes(shrink.width, top, channels) + area_bytes(left, 1, channels);
  config.options.use_scaling = shrink.factor > 1 ? 1 : 0;
  config.options.scaled_width = right - left;
  config.options.scaled_height = bottom - top;
  config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = picture.pixels.data() + begin;
  config.output.u.RGBA.stride = shrink.width * channels;
  config.output.u.RGBA.size = picture.pixels.size() - begin;
  const VP8StatusCode decoded = WebPDecode(frame.file.data(), frame.file.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (decoded != VP8_STATUS_OK)
    return broken_image("webp", fmt::format("decoder refused it: {}", static_cast<int>(decoded)));
  return picture;
}

}  // namespace imagined::image
