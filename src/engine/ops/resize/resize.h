// Antialiased Lanczos resampling of 8-bit pictures, as Pillow does it.
#pragma once

#include <vector>

#include "engine/backend/context.h"
#include "image/picture.h"

namespace imagined::engine {

/// Lanczos-3 in two passes, each rounded to 8 bits; RGBA is resized with premultiplied alpha and
/// divided again afterwards. Bit-equal to `Image.resize(size, LANCZOS)` of Pillow 13 in the
/// picture's own mode (fixed-point weights of 22 bits).
std::vector<std::uint8_t> resize_lanczos(const Context& context, image::PictureView in, int width,
                                         int height);

/// Whether columns are resampled before rows: where the height loses more than twice as many pixels
/// as the width. Seen in Pillow 13; up to Pillow 12 rows always came first.
constexpr bool resamples_down_first(image::PictureView in, int width, int height) {
  return height < in.height && in.height - height > 2 * (in.width - width);
}

/// The slow twin: one loop per pass, in integers, as the definition is.
std::vector<std::uint8_t> resize_lanczos_reference(image::PictureView in, int width, int height);

}  // namespace imagined::engine
