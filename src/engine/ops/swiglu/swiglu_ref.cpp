#include <cmath>

#include "engine/ops/swiglu/swiglu.h"

namespace imagined::engine {
namespace {
double element(const ConstMatrixView& m, std::int64_t row, std::int64_t col) {
  return m.dtype == DType::f32 ? static_cast<double>(m.row<float>(row)[col])
                               : static_cast<double>(to_float(m.row<Bf16>(row)[col]));
}
}  // namespace

void swiglu_reference(ConstMatrixView u, MatrixView out) {
  for (std::int64_t r = 0; r < out.rows; ++r) {
    for (std::int64_t c = 0; c < out.cols; ++c) {
      const double gate = element(u, r, c);
      const double y = gate / (1.0 + std::exp(-gate)) * element(u, r, out.cols + c);
      if (out.dtype == DType::f32) {
        out.row<float>(r)[c] = static_cast<float>(y);
      } else {
        out.row<Bf16>(r)[c] = to_bf16(static_cast<float>(y));
      }
    }
  }
}

}  // namespace imagined::engine
