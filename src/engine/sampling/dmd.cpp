#include "engine/sampling/dmd.h"

#include <cmath>

#include "engine/backend/cpu/rows.h"

namespace imagined::engine {

std::vector<float> dmd_levels(std::span<const float> times, double shift, double train_timesteps) {
  std::vector<float> levels;
  for (const float time : times) {
    double nearest = 1;
    for (double step = 1; step < train_timesteps; ++step) {
      const double u = step / train_timesteps;
      const double level = shift * u / (1 + (shift - 1) * u);
      const double wanted = static_cast<double>(time);
      if (std::abs(level - wanted) < std::abs(nearest - wanted)) nearest = level;
    }
    levels.push_back(static_cast<float>(nearest));
  }
  levels.push_back(0);
  return levels;
}

void dmd_step(const Context& context, ConstMatrixView velocity, float sigma, float sigma_next,
              ConstMatrixView noise, MatrixView latents) {
  const auto fits = [&](const ConstMatrixView& other) {
    return other.dtype == DType::f32 && other.rows == latents.rows && other.cols == latents.cols;
  };
  const bool renewed = sigma_next > 0;
  CHECK(latents.dtype == DType::f32 && fits(velocity) && (!renewed || fits(noise)),
        "a step of [{}, {}] by [{}, {}] with noise [{}, {}]", latents.rows, latents.cols,
        velocity.rows, velocity.cols, noise.rows, noise.cols);
  for_row_pieces(context, latents.rows, latents.cols * 16,
                 [&](std::int64_t first, std::int64_t count) {
                   for (std::int64_t r = first; r < first + count; ++r) {
                     const float* v = velocity.row<float>(r);
                     float* x = latents.row<float>(r);
                     for (std::int64_t c = 0; c < latents.cols; ++c) x[c] -= sigma * v[c];
                     if (!renewed) continue;
                     const float* fresh = noise.row<float>(r);
                     for (std::int64_t c = 0; c < latents.cols; ++c)
                       x[c] = (1 - sigma_next) * x[c] + sigma_next * fresh[c];
                   }
                 });
}

}  // namespace imagined::engine
