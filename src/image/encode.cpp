#include "image/encode.h"

#include "base/check.h"

namespace imagined::image {

Result<std::vector<std::uint8_t>> encode(const PictureView& picture, Format format,
                                         JpegOptions jpeg) {
  switch (format) {
    case Format::jpeg:
      return encode_jpeg(picture, jpeg);
    case Format::png:
      return encode_png(picture);
    case Format::webp:
      return fail(ErrorCode::unimplemented, "pictures are not written as webp");
  }
  CHECK(false, "no picture format {}", static_cast<int>(format));
}

}  // namespace imagined::image
