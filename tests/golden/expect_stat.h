// The form in which the model notes give golden tensors: four values at each end, sum and norm.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/result.h"
#include "engine/tensor/matrix.h"

namespace imagined::engine::golden {

inline constexpr double kValueTolerance = 2e-4;  // absolute; two f32 programs agree to about 1e-5
inline constexpr double kNormTolerance = 1e-4;   // relative

struct Stat {
  std::array<double, 4> first;
  std::optional<std::array<double, 4>> last;
  std::optional<double> sum;
  double l2;
};

/// `values` in the order in which PyTorch would print them.
inline void expect_stat(const std::vector<float>& values, const Stat& stat) {
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(values[i], stat.first[i], kValueTolerance) << "value " << i;
    if (stat.last.has_value()) {
      EXPECT_NEAR(values[values.size() - 4 + i], (*stat.last)[i], kValueTolerance)
          << "value " << i << " of the last four";
    }
  }
  EXPECT_NEAR(std::sqrt(squares), stat.l2, kNormTolerance * stat.l2);
  // |sum of errors| <= sqrt(n) * |errors|.
  if (stat.sum.has_value()) {
    EXPECT_NEAR(sum, *stat.sum,
                kNormTolerance * stat.l2 * std::sqrt(static_cast<double>(values.size())));
  }
}

inline std::vector<float> flat(const Tensor& tensor) {
  return {tensor.values<float>().begin(), tensor.values<float>().end()};
}

template <class T>
T value_of(Result<T> result) {
  CHECK(result.has_value(), "{}", result.error().message);
  return std::move(*result);
}

}  // namespace imagined::engine::golden
