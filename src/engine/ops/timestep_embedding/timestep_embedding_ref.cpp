#include <cmath>

#include "engine/ops/timestep_embedding/timestep_embedding.h"

namespace imagined::engine {

void timestep_embedding_reference(std::span<const float> values, MatrixView out) {
  const std::int64_t half = out.cols / 2;
  for (std::int64_t r = 0; r < out.rows; ++r) {
    for (std::int64_t i = 0; i < half; ++i) {
      const double angle = values[static_cast<std::size_t>(r)] *
                           std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(half));
      out.row<float>(r)[i] = static_cast<float>(std::cos(angle));
      out.row<float>(r)[half + i] = static_cast<float>(std::sin(angle));
    }
  }
}

}  // namespace imagined::engine
