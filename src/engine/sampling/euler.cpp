#include "engine/sampling/euler.h"

#include "engine/backend/cpu/rows.h"
#include "engine/ops/convert/convert.h"

namespace imagined::engine {

void euler_step(const Context& context, ConstMatrixView velocity, float sigma, float sigma_next,
                MatrixView latents) {
  add_scaled(context, velocity, sigma_next - sigma, latents);
}

void guide(const Context& context, ConstMatrixView with, float guidance, MatrixView without) {
  CHECK(with.dtype == DType::f32 && without.dtype == DType::f32, "guidance of {} and {}",
        name(with.dtype), name(without.dtype));
  CHECK(with.rows == without.rows && with.cols == without.cols, "guidance of [{}, {}] and [{}, {}]",
        with.rows, with.cols, without.rows, without.cols);
  for_row_pieces(context, with.rows, with.cols * 12, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t r = first; r < first + count; ++r) {
      const float* towards = with.row<float>(r);
      float* velocity = without.row<float>(r);
      for (std::int64_t c = 0; c < with.cols; ++c) {
        velocity[c] += guidance * (towards[c] - velocity[c]);
      }
    }
  });
}

}  // namespace imagined::engine
