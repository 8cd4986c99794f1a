#include <cmath>

#include "engine/ops/gelu/gelu.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {
double gelu_of(double x, Gelu kind) {
  if (kind == Gelu::quick) return x / (1.0 + std::exp(-1.702 * x));
  const double y = std::sqrt(2.0 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
  return x / (1.0 + std::exp(-2.0 * y));  // 1 + tanh(y) cancels for y far below zero
}
}  // namespace

void gelu_reference(ConstMatrixView x, Gelu kind, MatrixView out) {
  for (std::int64_t r = 0; r < out.rows; ++r) {
    for (std::int64_t c = 0; c < out.cols; ++c) {
      write_element(out, r, c,
                    static_cast<float>(gelu_of(static_cast<double>(read_element(x, r, c)), kind)));
    }
  }
}

void gated_gelu_reference(ConstMatrixView u, MatrixView out) {
  for (std::int64_t r = 0; r < out.rows; ++r) {
    for (std::int64_t c = 0; c < out.cols; ++c) {
      const double gate = gelu_of(static_cast<double>(read_element(u, r, c)), Gelu::tanh);
      const auto up = static_cast<double>(read_element(u, r, out.cols + c));
      write_element(out, r, c, static_cast<float>(gate * up));
    }
  }
}

}  // namespace imagined::engine
