// For tests of operations: inputs, instruction sets to run on, and comparisons that name the worst
// element.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/backend/context.h"
#include "engine/backend/cpu/tile/kernels.h"
#include "engine/tensor/each_target_testing.h"

namespace imagined::engine::testing {

/// Repeatable values in [low, high): a multiplicative hash of the index.
inline float hashed(std::uint32_t seed, std::size_t index, float low = -1.0f, float high = 1.0f) {
  std::uint32_t x = seed * 0x9e3779b9u + static_cast<std::uint32_t>(index) * 0x85ebca6bu;
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  x ^= x >> 16;
  return low + (high - low) * (static_cast<float>(x >> 8) * 0x1p-24f);
}

inline std::vector<float> hashed_values(std::uint32_t seed, std::size_t count, float low = -1.0f,
                                        float high = 1.0f) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = hashed(seed, i, low, high);
  return values;
}

/// A matrix inside a larger one: its stride is `gap` elements more than its width and its first
/// element lies `gap` elements into the storage, so that nothing is aligned.
class OddMatrix {
 public:
  OddMatrix(std::int64_t rows, std::int64_t cols, DType dtype, std::int64_t gap = 1)
      : storage_(1, gap + std::max<std::int64_t>(rows, 1) * (cols + gap), dtype) {
    view_ = storage_.view().col_range(gap, cols);
    view_.rows = rows;
    view_.stride = cols + gap;
    for (std::int64_t i = 0; i < storage_.cols(); ++i) put(storage_.view(), 0, i, kFill);
  }

  MatrixView view() const { return view_; }
  std::int64_t rows() const { return view_.rows; }
  std::int64_t cols() const { return view_.cols; }
  float get(std::int64_t r, std::int64_t c) const { return get(view_, r, c); }
  void set(std::int64_t r, std::int64_t c, float value) { put(view_, r, c, value); }
  void fill(std::uint32_t seed, float low = -1.0f, float high = 1.0f) {
    for (std::int64_t r = 0; r < rows(); ++r) {
      for (std::int64_t c = 0; c < cols(); ++c) {
        set(r, c, hashed(seed, static_cast<std::size_t>(r * cols() + c), low, high));
      }
    }
  }
  /// Whether nothing outside of the matrix was written.
  bool surroundings_untouched() const {
    for (std::int64_t i = 0; i < storage_.cols(); ++i) {
      const std::int64_t place = i - (view_.stride - view_.cols);
      const bool inside =
          place >= 0 && place < view_.rows * view_.stride && place % view_.stride < view_.cols;
      if (!inside && get(storage_.view(), 0, i) != kFill) return false;
    }
    return true;
  }

 private:
  static constexpr float kFill = 96;  // exact in bf16

  static float get(const ConstMatrixView& m, std::int64_t r, std::int64_t c) {
    return m.dtype == DType::f32 ? m.row<float>(r)[c] : to_float(m.row<Bf16>(r)[c]);
  }
  static void put(const MatrixView& m, std::int64_t r, std::int64_t c, float value) {
    if (m.dtype == DType::f32) {
      m.row<float>(r)[c] = value;
    } else {
      m.row<Bf16>(r)[c] = to_bf16(value);
    }
  }

  Tensor storage_;
  MatrixView view_;
};

/// Every implementation of a tiled operation that this machine runs for numbers kept as `numbers`:
/// the slow one, and the AVX2 one on all machines.
template <const TileKernel&... kKernels>
std::vector<std::string> tiled_implementations(DType numbers, TileKernels<kKernels...>) {
  std::vector<std::string> names = {"reference"};
  for (const TileKernel* kernel : {&kKernels...}) {
    if (runs_on(*kernel, CpuFeatures::detect(), numbers)) names.emplace_back(kernel->name);
  }
  return names;
}
inline std::vector<std::string> tiled_implementations(DType numbers) {
  return tiled_implementations(numbers, AllTileKernels());
}

/// Whether an implementation rounds the rows of a product to bf16 first.
inline bool multiplies_bf16(const std::string& implementation) {
  return implementation.ends_with("_bf16");
}

struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

/// The rounding of the output's dtype (half a unit in the last place, relative) beside the error of
/// the computation.
inline double rounding(DType dtype) { return dtype == DType::f32 ? 0x1p-24 : 0x1p-8; }

/// Every element within relative * |expected| + absolute.
inline void expect_close(const OddMatrix& actual, const OddMatrix& expected, Tolerance tolerance,
                         const std::string& what) {
  double worst = -1;
  std::string where;
  for (std::int64_t r = 0; r < expected.rows(); ++r) {
    for (std::int64_t c = 0; c < expected.cols(); ++c) {
      const double a = actual.get(r, c);
      const double e = expected.get(r, c);
      const double excess =
          std::abs(a - e) - (tolerance.relative * std::abs(e) + tolerance.absolute);
      if (!(excess <= worst)) {
        worst = std::isnan(excess) ? INFINITY : excess;
        where = fmt::format("[{}, {}]: {} instead of {}", r, c, a, e);
      }
    }
  }
  EXPECT_LE(worst, 0) << what << " " << where;
}

/// A bound on the relative error of a sum of `terms` f32 values, whatever the order within lanes:
/// the longest chain of additions, on the narrowest machine, is a quarter of the terms.
inline double sum_error(std::int64_t terms) {
  return (static_cast<double>(terms) / 4 + 6) * 0x1p-24;
}

}  // namespace imagined::engine::testing
