// JPEG both ways by libjpeg-turbo's TurboJPEG interface.
#include <fmt/core.h>
#include <turbojpeg.h>

#include <memory>

#include "base/check.h"
#include "image/decode_format.h"
#include "image/encode.h"

namespace imagined::image {
namespace {

constexpr int kFullChromaFrom =
    95;  // from this quality on the halved chroma would be what one sees

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, Destroy>;

struct FreeBytes {
  void operator()(unsigned char* bytes) const { tjFree(bytes); }
};

}  // namespace

Result<std::vector<std::uint8_t>> encode_jpeg(const PixelsView& pixels, JpegOptions options) {
  check_view(pixels);
  CHECK(options.quality >= 1 && options.quality <= 100, "jpeg quality {}", options.quality);
  const Handle handle(tjInitCompress());
  if (!handle) return fail(ErrorCode::resource_exhausted, "no memory for a jpeg encoder");
  const int sampling = options.quality >= kFullChromaFrom ? TJSAMP_444 : TJSAMP_420;
  unsigned char* made = nullptr;
  unsigned long size_bytes = 0;
  const int code = tjCompress2(handle.get(), pixels.bytes.data(), pixels.width, 0, pixels.height,
                               pixels.channels == 4 ? TJPF_RGBX : TJPF_RGB, &made, &size_bytes,
                               sampling, options.quality, TJFLAG_FASTDCT);
  const std::unique_ptr<unsigned char, FreeBytes> owner(made);
  if (code != 0)
    return fail(ErrorCode::internal, "the picture could not be encoded as jpeg", {},
                tjGetErrorStr2(handle.get()));
  return std::vector<std::uint8_t>(made, made + size_bytes);
}

Result<Pixels> decode_jpeg(std::span<const std::uint8_t> file, const Header& header) {
  const Handle handle(tjInitDecompress());
  if (!handle) return fail(ErrorCode::resource_exhausted, "no memory for a jpeg decoder");
  Pixels pixels{.width = header.width, .height = header.height, .channels = 3, .bytes = {}};
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
  if (colours == TJCS_CMYK || colours == TJCS_YCCK)
    return fail(ErrorCode::invalid_argument,
                "the image is a jpeg in CMYK colours, expected RGB or grey", "image");
  pixels.bytes.resize(area_bytes(header.width, header.height, 3));
  // TJFLAG_LIMITSCANS ends files that ask for endless refinement (500 scans).
  code = tjDecompress2(handle.get(), file.data(), size_bytes, pixels.bytes.data(), header.width, 0,
                       header.height, TJPF_RGB, TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING);
  if (code != 0) return broken_image("jpeg", tjGetErrorStr2(handle.get()));
  return pixels;
}

}  // namespace imagined::image
