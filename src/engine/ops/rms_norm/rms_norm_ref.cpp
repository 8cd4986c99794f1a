#include <cmath>

#include "engine/ops/rms_norm/rms_norm.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

template <class Then>
void rms_norm_slowly(ConstMatrixView x, ConstMatrixView weight, float epsilon, MatrixView out,
                     const Then& then) {
  const float* const factors = vector_values(weight, x.cols, "rms norm: weight");
  for (std::int64_t r = 0; r < x.rows; ++r) {
    double squares = 0;
    for (std::int64_t c = 0; c < x.cols; ++c) {
      const double value = read_element(x, r, c);
      squares += value * value;
    }
    const double root =
        std::sqrt(squares / static_cast<double>(x.cols) + static_cast<double>(epsilon));
    for (std::int64_t c = 0; c < x.cols; ++c)
      write_element(out, r, c, static_cast<float>(then(read_element(x, r, c) / root * factors[c])));
  }
}

}  // namespace

void rms_norm_reference(ConstMatrixView x, ConstMatrixView weight, float epsilon, MatrixView out) {
  rms_norm_slowly(x, weight, epsilon, out, [](double y) { return y; });
}

void rms_norm_silu_reference(ConstMatrixView x, ConstMatrixView weight, float epsilon,
                             MatrixView out) {
  rms_norm_slowly(x, weight, epsilon, out, [](double y) { return y / (1 + std::exp(-y)); });
}

}  // namespace imagined::engine
