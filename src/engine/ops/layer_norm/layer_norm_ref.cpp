#include <cmath>

#include "engine/ops/layer_norm/layer_norm.h"

namespace imagined::engine {

namespace {
void reference(ConstMatrixView x, const float* shift, double base, const float* scale,
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
      if (scale != nullptr) y = (base + scale[c]) * y + shift[c];
      if (out.dtype == DType::f32) {
        out.row<float>(r)[c] = static_cast<float>(y);
      } else {
        out.row<Bf16>(r)[c] = to_bf16(static_cast<float>(y));
      }
    }
  }
}
}  // namespace

void layer_norm_reference(ConstMatrixView x, ConstMatrixView weight, ConstMatrixView bias,
                          float epsilon, MatrixView out) {
  reference(x, vector_values(bias, x.cols, "layer norm: bias"), 0.0,
            vector_values(weight, x.cols, "layer norm: weight"), epsilon, out);
}

void layer_norm_modulate_reference(ConstMatrixView x, ConstMatrixView shift, ConstMatrixView scale,
                                   float epsilon, MatrixView out) {
  if (shift.data == nullptr) return reference(x, nullptr, 1.0, nullptr, epsilon, out);
  reference(x, vector_values(shift, x.cols, "layer norm: shift"), 1.0,
            vector_values(scale, x.cols, "layer norm: scale"), epsilon, out);
}

}  // namespace imagined::engine
