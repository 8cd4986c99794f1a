// Antialiased Lanczos resampling of 8-bit pictures, as Pillow does it.
#pragma once

#include <vector>

#include "engine/backend/context.h"

namespace imagined::engine {

/// 8-bit pixels, row-major, `channels` (3: RGB, 4: RGBA) interleaved.
struct PixelsView {
  const std::uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  int channels = 3;
};

/// Lanczos-3, horizontal pass first, each pass rounded to 8 bits; RGBA is resized with
/// premultiplied alpha and divided again afterwards. Bit-equal to Pillow's `Image.resize(size,
/// LANCZOS)` in the picture's own mode (fixed-point weights of 22 bits).
std::vector<std::uint8_t> resize_lanczos(const Context& context, PixelsView in, int width,
                                         int height);

}  // namespace imagined::engine
