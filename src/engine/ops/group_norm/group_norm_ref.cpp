#include <cmath>

#include "engine/ops/group_norm/group_norm.h"

namespace imagined::engine {

void group_norm_reference(ConstImageView in, ConstMatrixView weight, ConstMatrixView bias,
                          const GroupNormOptions& options, ImageView out) {
  const ConstMatrixView& x = in.pixels;
  const float* const factors = vector_values(weight, x.cols, "group norm: weight");
  const float* const summands = vector_values(bias, x.cols, "group norm: bias");
  const std::int64_t group_channels = x.cols / options.groups;
  const auto at = [&](std::int64_t r, std::int64_t c) -> double {
    return x.dtype == DType::f32 ? x.row<float>(r)[c] : to_float(x.row<Bf16>(r)[c]);
  };
  const double count = static_cast<double>(x.rows) * static_cast<double>(group_channels);
  for (std::int64_t first = 0; first < x.cols; first += group_channels) {
    double sum = 0;
    for (std::int64_t r = 0; r < x.rows; ++r) {
      for (std::int64_t c = first; c < first + group_channels; ++c) sum += at(r, c);
    }
    const double mean = sum / count;
    double squares = 0;
    for (std::int64_t r = 0; r < x.rows; ++r) {
      for (std::int64_t c = first; c < first + group_channels; ++c) {
        squares += (at(r, c) - mean) * (at(r, c) - mean);
      }
    }
    const double deviation = std::sqrt(squares / count + static_cast<double>(options.epsilon));
    for (std::int64_t r = 0; r < x.rows; ++r) {
      for (std::int64_t c = first; c < first + group_channels; ++c) {
        double y = (at(r, c) - mean) / deviation * factors[c] + summands[c];
        if (options.silu) y = y / (1.0 + std::exp(-y));
        if (out.pixels.dtype == DType::f32) {
          out.pixels.row<float>(r)[c] = static_cast<float>(y);
        } else {
          out.pixels.row<Bf16>(r)[c] = to_bf16(static_cast<float>(y));
        }
      }
    }
  }
}

}  // namespace imagined::engine
