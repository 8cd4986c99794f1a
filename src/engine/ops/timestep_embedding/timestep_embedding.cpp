#include "engine/ops/timestep_embedding/timestep_embedding.h"

#include <cmath>

#include "base/check.h"

namespace imagined::engine {

void timestep_embedding(std::span<const float> values, MatrixView out) {
  CHECK(out.dtype == DType::f32 && out.cols > 0 && out.cols % 2 == 0 &&
            out.rows == static_cast<std::int64_t>(values.size()),
        "timestep embedding of {} values into [{}, {}] of {}", values.size(), out.rows, out.cols,
        name(out.dtype));
  const std::int64_t half = out.cols / 2;
  const auto log_period = static_cast<float>(-std::log(10000.0));
  for (std::int64_t i = 0; i < half; ++i) {
    // The angle reaches 1000, where one unit in the last place of an f32 is 6e-5: exponent,
    // frequency and angle are therefore rounded exactly where the reference rounds them.
    const float exponent = log_period * static_cast<float>(i) / static_cast<float>(half);
    const auto frequency = static_cast<float>(std::exp(static_cast<double>(exponent)));
    for (std::int64_t r = 0; r < out.rows; ++r) {
      const double angle = values[static_cast<std::size_t>(r)] * frequency;
      out.row<float>(r)[i] = static_cast<float>(std::cos(angle));
      out.row<float>(r)[half + i] = static_cast<float>(std::sin(angle));
    }
  }
}

}  // namespace imagined::engine
