#include <cmath>
#include <vector>

#include "engine/ops/rope/rope.h"

namespace imagined::engine {
namespace {

double element(const MatrixView& m, std::int64_t row, std::int64_t col) {
  return m.dtype == DType::f32 ? static_cast<double>(m.row<float>(row)[col])
                               : static_cast<double>(to_float(m.row<Bf16>(row)[col]));
}

void set(const MatrixView& m, std::int64_t row, std::int64_t col, double value) {
  if (m.dtype == DType::f32) {
    m.row<float>(row)[col] = static_cast<float>(value);
  } else {
    m.row<Bf16>(row)[col] = to_bf16(static_cast<float>(value));
  }
}

}  // namespace

namespace {

/// factors  null: no norm.
void turn_slowly(MatrixView x, std::int64_t head_dim, const float* factors, float epsilon,
                 const RopeRows& table, RopeLayout layout) {
  const std::int64_t half = head_dim / 2;
  for (std::int64_t t = 0; t < x.rows; ++t) {
    for (std::int64_t head = 0; head < x.cols; head += head_dim) {
      double squares = 0;
      for (std::int64_t c = 0; c < head_dim; ++c) {
        squares += element(x, t, head + c) * element(x, t, head + c);
      }
      const double root =
          std::sqrt(squares / static_cast<double>(head_dim) + static_cast<double>(epsilon));
      for (std::int64_t p = 0; p < half; ++p) {
        const bool interleaved = layout == RopeLayout::interleaved;
        const std::int64_t first = interleaved ? 2 * p : p;
        const std::int64_t second = interleaved ? 2 * p + 1 : p + half;
        double a = element(x, t, head + first);
        double b = element(x, t, head + second);
        if (factors != nullptr) {
          a = a / root * static_cast<double>(factors[first]);
          b = b / root * static_cast<double>(factors[second]);
        }
        const double cos = table.cos.row<float>(t)[p];
        const double sin = table.sin.row<float>(t)[p];
        set(x, t, head + first, a * cos - b * sin);
        set(x, t, head + second, b * cos + a * sin);
      }
    }
  }
}

}  // namespace

void head_norm_rope_reference(MatrixView x, std::int64_t head_dim, ConstMatrixView weight,
                              float epsilon, const RopeRows& table, RopeLayout layout) {
  turn_slowly(x, head_dim, vector_values(weight, head_dim, "rope: norm weight"), epsilon, table,
              layout);
}

void rope_heads_reference(MatrixView x, std::int64_t head_dim, const RopeRows& table,
                          RopeLayout layout) {
  turn_slowly(x, head_dim, nullptr, 0, table, layout);
}

}  // namespace imagined::engine
