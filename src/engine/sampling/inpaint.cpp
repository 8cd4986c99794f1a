#include "engine/sampling/inpaint.h"

#include "engine/backend/cpu/rows.h"

namespace imagined::engine {

void keep_picture(const Context& context, ConstMatrixView noise, ConstMatrixView picture,
                  float sigma, std::span<const float> repaint, MatrixView latents) {
  CHECK(noise.dtype == DType::f32 && picture.dtype == DType::f32 && latents.dtype == DType::f32,
        "a picture kept in {}, {} and {}", name(noise.dtype), name(picture.dtype),
        name(latents.dtype));
  const auto is_as_large = [&](const ConstMatrixView& other) {
    return other.rows == latents.rows && other.cols == latents.cols;
  };
  CHECK(is_as_large(noise) && is_as_large(picture) && std::ssize(repaint) == latents.rows,
        "[{}, {}] kept of [{}, {}] by {} tokens", latents.rows, latents.cols, picture.rows,
        picture.cols, repaint.size());
  for_row_pieces(
      context, latents.rows, latents.cols * 16, [&](std::int64_t first, std::int64_t count) {
        for (std::int64_t r = first; r < first + count; ++r) {
          const float m = repaint[static_cast<std::size_t>(r)];
          const float* random = noise.row<float>(r);
          const float* kept = picture.row<float>(r);
          float* made = latents.row<float>(r);
          for (std::int64_t c = 0; c < latents.cols; ++c) {
            made[c] = (1 - m) * (sigma * random[c] + (1 - sigma) * kept[c]) + m * made[c];
          }
        }
      });
}

}  // namespace imagined::engine
