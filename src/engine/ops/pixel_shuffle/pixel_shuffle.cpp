#include "engine/ops/pixel_shuffle/pixel_shuffle.h"

#include "engine/backend/cpu/rows.h"

namespace imagined::engine {
namespace {

void check_shapes(const ConstImageView& blocks, std::int64_t factor, const ConstImageView& fine) {
  CHECK(blocks.pixels.dtype == DType::f32 && fine.pixels.dtype == DType::f32,
        "pixel shuffle between {} and {}", name(blocks.pixels.dtype), name(fine.pixels.dtype));
  CHECK(factor > 0 && fine.height == blocks.height * factor &&
            fine.width == blocks.width * factor &&
            blocks.pixels.cols == fine.pixels.cols * factor * factor,
        "pixel shuffle by {} between [{}, {}, {}] and [{}, {}, {}]", factor, blocks.height,
        blocks.width, blocks.pixels.cols, fine.height, fine.width, fine.pixels.cols);
}

/// Calls move(block value, fine value) for each pair of places, one row of fine pixels after
/// another, sharing rows of blocks among the threads.
template <class Block, class Fine, class Move>
void for_pairs(const Context& context, const Block& blocks, std::int64_t factor, const Fine& fine,
               const Move& move) {
  const std::int64_t channels = fine.pixels.cols;
  const auto block_row = [&](std::int64_t y) {
    for (std::int64_t dy = 0; dy < factor; ++dy) {
      for (std::int64_t x = 0; x < blocks.width; ++x) {
        auto* block = blocks.pixels.template row<float>(y * blocks.width + x) + dy * factor;
        for (std::int64_t dx = 0; dx < factor; ++dx) {
          auto* pixel =
              fine.pixels.template row<float>((y * factor + dy) * fine.width + x * factor + dx);
          for (std::int64_t c = 0; c < channels; ++c) {
            move(block[c * factor * factor + dx], pixel[c]);
          }
        }
      }
    }
  };
  for_row_pieces(context, blocks.height, blocks.width * blocks.pixels.cols * 8,
                 [&](std::int64_t first, std::int64_t count) {
                   for (std::int64_t y = first; y < first + count; ++y) block_row(y);
                 });
}

}  // namespace

void pixel_shuffle(const Context& context, ConstImageView in, std::int64_t factor, ImageView out) {
  check_shapes(in, factor, out);
  for_pairs(context, in, factor, out, [](const float& block, float& pixel) { pixel = block; });
}

void pixel_unshuffle(const Context& context, ConstImageView in, std::int64_t factor,
                     ImageView out) {
  check_shapes(out, factor, in);
  for_pairs(context, out, factor, in, [](float& block, const float& pixel) { block = pixel; });
}

}  // namespace imagined::engine
