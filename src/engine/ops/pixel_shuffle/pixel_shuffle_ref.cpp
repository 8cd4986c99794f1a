#include "engine/ops/pixel_shuffle/pixel_shuffle.h"
#include "engine/tensor/element.h"

namespace imagined::engine {

void pixel_shuffle_reference(ConstImageView in, std::int64_t factor, ImageView out) {
  for (std::int64_t y = 0; y < out.height; ++y) {
    for (std::int64_t x = 0; x < out.width; ++x) {
      const std::int64_t block = y / factor * in.width + x / factor;
      for (std::int64_t c = 0; c < out.pixels.cols; ++c) {
        const std::int64_t channel = (c * factor + y % factor) * factor + x % factor;
        write_element(out.pixels, y * out.width + x, c, read_element(in.pixels, block, channel));
      }
    }
  }
}

}  // namespace imagined::engine
