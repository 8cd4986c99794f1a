#include "image/encode.h"

#include "base/check.h"

namespace imagined::image {

Result<std::vector<std::uint8_t>> encode(const PictureView& picture, Format format,
                                         LossyOptions options) {
  switch (format) {
    case Format::jpeg:
      return encode_jpeg(picture, options);
    case Format::png:
      return encode_png(picture);
    case Format::webp:
      return encode_webp(picture, options);
  }
  CHECK(false, "no picture format {}", static_cast<int>(format));
}

}  // namespace imagined::image
