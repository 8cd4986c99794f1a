#include <cmath>

#include "engine/ops/layer_norm/layer_norm.h"

namespace imagined::engine {

void layer_norm_modulate_reference(ConstMatrixView x, const float* shift, const float* scale,
                                   float epsilon, MatrixView out) {
  const auto dim = static_cast<double>(x.cols);
  for (std::int64_t r = 0; r < x.rows; ++r) {
    double sum = 0;
    for (std::int64_t c = 0; c < x.cols; ++c) sum += x.row<float>(r)[c];
    const double mean = sum / dim;
    double squares = 0;
    for (std::int64_t c = 0; c < x.cols; ++c) {
      squares += (x.row<float>(r)[c] - mean) * (x.row<float>(r)[c] - mean);
    }
    const double deviation = std::sqrt(squares / dim + static_cast<double>(epsilon));
    for (std::int64_t c = 0; c < x.cols; ++c) {
      double y = (x.row<float>(r)[c] - mean) / deviation;
      if (scale != nullptr) y = (1.0 + scale[c]) * y + shift[c];
      if (out.dtype == DType::f32) {
        out.row<float>(r)[c] = static_cast<float>(y);
      } else {
        out.row<Bf16>(r)[c] = to_bf16(static_cast<float>(y));
      }
    }
  }
}

}  // namespace imagined::engine
