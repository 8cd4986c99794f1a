#include <cmath>

#include "engine/ops/rms_norm/rms_norm.h"

namespace imagined::engine {

void rms_norm_reference(ConstMatrixView x, ConstMatrixView weight, float epsilon, MatrixView out) {
  const float* const factors = vector_values(weight, x.cols, "rms norm: weight");
  for (std::int64_t r = 0; r < x.rows; ++r) {
    double squares = 0;
    for (std::int64_t c = 0; c < x.cols; ++c) {
      const double value = x.row<float>(r)[c];
      squares += value * value;
    }
    const double root =
        std::sqrt(squares / static_cast<double>(x.cols) + static_cast<double>(epsilon));
    for (std::int64_t c = 0; c < x.cols; ++c) {
      const double y = x.row<float>(r)[c] / root * factors[c];
      if (out.dtype == DType::f32) {
        out.row<float>(r)[c] = static_cast<float>(y);
      } else {
        out.row<Bf16>(r)[c] = to_bf16(static_cast<float>(y));
      }
    }
  }
}

}  // namespace imagined::engine
