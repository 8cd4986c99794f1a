// Pixels to files. No metadata is written: a file says nothing about who asked for what.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "image/format.h"
#include "image/picture.h"

namespace imagined::image {

struct JpegOptions {
  int quality = 90;  // 1 to 100; chroma is halved both ways (4:2:0) below 95
};

/// Baseline JPEG by libjpeg-turbo. RGBA pixels lose their alpha.
/// About 2.5 ms for 1024 x 1024 on one core. Errors: `internal` when the library refuses.
Result<std::vector<std::uint8_t>> encode_jpeg(const PictureView& picture, JpegOptions options = {});

/// PNG of 8 bits per channel, RGB or RGBA.
/// The pixels come back bit for bit. Cannot fail: wrong sizes are our bug.
std::vector<std::uint8_t> encode_png(const PictureView& picture);

/// `format` is `jpeg` or `png`; `unimplemented` for `webp`.
Result<std::vector<std::uint8_t>> encode(const PictureView& picture, Format format,
                                         JpegOptions jpeg = {});

}  // namespace imagined::image
