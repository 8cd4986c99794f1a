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
    case Format::gif:
      break;
  }
  CHECK(false, "pictures are not written as {}", to_string(format));
}

}  // namespace imagined::image
