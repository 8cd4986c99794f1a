// Pixels to files, without metadata; label.h is for those that say how they were made.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "image/format.h"
#include "image/picture.h"

namespace imagined::image {

struct LossyOptions {
  int quality = 90;  // 1 to 100; JPEG halves chroma both ways (4:2:0) below 95, WebP always
};

/// Baseline JPEG by libjpeg-turbo. RGBA pixels lose their alpha.
/// About 2.5 ms for 1024 x 1024 on one core. Errors: `internal` when the library refuses.
Result<std::vector<std::uint8_t>> encode_jpeg(const PictureView& picture,
                                              LossyOptions options = {});

/// Lossy WebP by libwebp, RGB or RGBA. Errors: `internal` when the library refuses.
Result<std::vector<std::uint8_t>> encode_webp(const PictureView& picture,
                                              LossyOptions options = {});

/// PNG of 8 bits per channel, RGB or RGBA.
/// The pixels come back bit for bit. Cannot fail: wrong sizes are our bug.
std::vector<std::uint8_t> encode_png(const PictureView& picture);

Result<std::vector<std::uint8_t>> encode(const PictureView& picture, Format format,
                                         LossyOptions options = {});

}  // namespace imagined::image
