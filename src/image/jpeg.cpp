// JPEG both ways by libjpeg-turbo's TurboJPEG interface.
#include <fmt/core.h>
#include <turbojpeg.h>

#include <memory>
#include <string_view>

#include "base/check.h"
#include "image/decode_format.h"
#include "image/encode.h"
#include "image/jpeg_markers.h"

namespace imagined::image {
namespace {

constexpr int kFullChromaFrom =
    95;  // from this quality on the halved chroma would be what one sees

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, Destroy>;

struct FreeJpeg {
  void operator()(unsigned char* bytes) const { tjFree(bytes); }
};

// A progressive picture is gone through whole by every scan. Encoders make about ten; an entropy
// optimiser at most 64 or so.
constexpr int kScansMax = 64;

/// Whether the library stopped at bytes between the pixels and the end of the picture, as some
/// cameras leave them.
bool has_bytes_before_the_end(tjhandle handle) {
  return tjGetErrorCode(handle) == TJERR_WARNING &&
         std::string_view(tjGetErrorStr2(handle)).ends_with("extraneous bytes before marker 0xd9");
}

/// Four inks per pixel to RGB, as Pillow does without profiles: what cyan and black leave of red.
///
///   red = w - round(c * w / 255), w = 255 - k
void inks_to_rgb(Picture& picture, bool inverted) {
  std::uint8_t* to = picture.pixels.data();
  for (std::size_t i = 0; i < picture.pixels.size(); i += 4) {
    const auto ink = [&](std::size_t channel) {
      const std::uint8_t stored = picture.pixels[i + channel];
      return inverted ? 255u - stored : stored;
    };
    const unsigned white = 255 - ink(3);
    const unsigned left[] = {ink(0), ink(1), ink(2)};
    for (const unsigned c : left) {
      *to++ = static_cast<std::uint8_t>(white - (2 * c * white + 255) / 510);
    }
  }
  picture.pixels.resize(picture.pixels.size() / 4 * 3);
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_jpeg(const PictureView& picture, LossyOptions options) {
  check_view(picture);
  CHECK(options.quality >= 1 && options.quality <= 100, "jpeg quality {}", options.quality);
  const Handle handle(tjInitCompress());
  if (!handle) return fail(ErrorCode::resource_exhausted, "no memory for a jpeg encoder");
  const int sampling = options.quality >= kFullChromaFrom ? TJSAMP_444 : TJSAMP_420;
  unsigned char* made = nullptr;
  unsigned long size_bytes = 0;
  const int code = tjCompress2(handle.get(), picture.pixels.data(), picture.width, 0,
                               picture.height, picture.channels == 4 ? TJPF_RGBX : TJPF_RGB, &made,
                               &size_bytes, sampling, options.quality, TJFLAG_FASTDCT);
  const std::unique_ptr<unsigned char, FreeJpeg> owner(made);
  if (code != 0)
    return fail(ErrorCode::internal, "the picture could not be encoded as jpeg", {},
                tjGetErrorStr2(handle.get()));
  return std::vector<std::uint8_t>(made, made + size_bytes);
}

Result<Picture> decode_jpeg(std::span<const std::uint8_t> file, const Header& header,
                            const Shrink& shrink, const DecodeLimits& limits) {
  const Handle handle(tjInitDecompress());
  if (!handle) return fail(ErrorCode::resource_exhausted, "no memory for a jpeg decoder");
  Picture picture{.width = shrink.width, .height = shrink.height, .channels = 3, .pixels = {}};
  int width = 0;
  int height = 0;
  int sampling = 0;
  int colours = 0;
  const auto size_bytes = static_cast<unsigned long>(file.size());
  int code = tjDecompressHeader3(handle.get(), file.data(), size_bytes, &width, &height, &sampling,
                                 &colours);
  if (code != 0) return broken_image("jpeg", tjGetErrorStr2(handle.get()));
  if (width != header.width || height != header.height)
    return broken_image("jpeg", "two headers that disagree");
  const int scans = count_jpeg_scans(file, kScansMax);
  if (scans > kScansMax)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("the image is a jpeg of more than {} scans, which none needs", kScansMax),
        "image");
  if (scans > 1) TRY(check_held(header, shrink, limits, "a progressive jpeg"));
  const bool inks = colours == TJCS_CMYK || colours == TJCS_YCCK;
  picture.pixels.resize(area_bytes(shrink.width, shrink.height, inks ? 4 : 3));
  // The library's sizes are those of `Shrink` where the factor is one of its own.
  const auto decompress = [&](int flags) {
    return tjDecompress2(handle.get(), file.data(), size_bytes, picture.pixels.data(), shrink.width,
                         0, shrink.height, inks ? TJPF_CMYK : TJPF_RGB, flags) == 0;
  };
  // What stands before the end has been decoded, and behind it nothing follows.
  const bool whole = decompress(TJFLAG_STOPONWARNING) ||
                     (has_bytes_before_the_end(handle.get()) &&
                      (decompress(0) || tjGetErrorCode(handle.get()) == TJERR_WARNING));
  if (!whole) return broken_image("jpeg", tjGetErrorStr2(handle.get()));
  if (inks) inks_to_rgb(picture, read_jpeg_markers(file).adobe);
  return picture;
}

}  // namespace imagined::image
