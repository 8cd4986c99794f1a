#include "engine/ops/layer_norm/layer_norm.h"

#include "engine/ops/op_testing.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

constexpr float kEpsilon = 1e-6f;

/// Values within [-1, 1] have a deviation near 0.58: the mean is off by sum_error, a normalised
/// value by twice that, the variance by another two of it; factor and shift at most double it all.
/// The smallest wrong result, variance over dim - 1, is off by 1 / (2 dim): 2e-4 at 3072.
Tolerance bound(std::int64_t dim, DType out) {
  return {.relative = rounding(out) + 6 * sum_error(dim), .absolute = 6 * sum_error(dim)};
}

class LayerNormWidths : public ::testing::TestWithParam<int> {};

TEST_P(LayerNormWidths, MatchesReferenceOnUnalignedRows) {
  const std::int64_t dim = GetParam();
  const Context context({.threads = 2});
  const Vector shift(hashed_values(2, static_cast<std::size_t>(dim)));
  const Vector scale(hashed_values(3, static_cast<std::size_t>(dim)));
  OddMatrix x(5, dim, DType::f32);
  x.fill(1);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    OddMatrix expected(5, dim, dtype);
    layer_norm_modulate_reference(x.view(), shift, scale, kEpsilon, expected.view());
    on_each_target([&](const std::string& target) {
      OddMatrix actual(5, dim, dtype);
      layer_norm_modulate(context, x.view(), shift, scale, kEpsilon, actual.view());
      // Two f32 values either side of a tie round to different bf16 values.
      Tolerance tolerance = bound(dim, dtype);
      if (dtype == DType::bf16) tolerance.relative += rounding(dtype);
      expect_close(actual, expected, tolerance, target + " " + std::string(name(dtype)));
      EXPECT_TRUE(actual.surroundings_untouched()) << target;
    });
  }
}

TEST_P(LayerNormWidths, WithLearnedWeightsMatchesReferenceOnUnalignedRows) {
  const std::int64_t dim = GetParam();
  const Context context({.threads = 2});
  const Vector weight(hashed_values(2, static_cast<std::size_t>(dim)));
  const Vector bias(hashed_values(3, static_cast<std::size_t>(dim)));
  OddMatrix x(5, dim, DType::f32);
  x.fill(1);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    OddMatrix expected(5, dim, dtype);
    layer_norm_reference(x.view(), weight, bias, kEpsilon, expected.view());
    on_each_target([&](const std::string& target) {
      OddMatrix actual(5, dim, dtype);
      layer_norm(context, x.view(), weight, bias, kEpsilon, actual.view());
      Tolerance tolerance = bound(dim, dtype);
      if (dtype == DType::bf16) tolerance.relative += rounding(dtype);
      expect_close(actual, expected, tolerance, target + " " + std::string(name(dtype)));
      EXPECT_TRUE(actual.surroundings_untouched()) << target;
    });
  }
}

// A single column has no deviation: the result is the shift, which the reference gives too.
INSTANTIATE_TEST_SUITE_P(Widths, LayerNormWidths,
                         ::testing::Values(1, 2, 3, 7, 16, 33, 64, 67, 128, 1000, 3072));

TEST(LayerNorm, WithoutModulationOnlyNormalises) {
  const Context context({.threads = 1});
  OddMatrix x(3, 33, DType::f32);
  x.fill(4);
  OddMatrix expected(3, 33, DType::f32);
  layer_norm_modulate_reference(x.view(), {}, {}, kEpsilon, expected.view());
  on_each_target([&](const std::string& target) {
    OddMatrix actual(3, 33, DType::f32);
    layer_norm_modulate(context, x.view(), {}, {}, kEpsilon, actual.view());
    expect_close(actual, expected, bound(33, DType::f32), target);
  });
}

TEST(LayerNorm, WritesOverItsInput) {
  const Context context({.threads = 2});
  OddMatrix x(4, 67, DType::f32);
  x.fill(5);
  OddMatrix expected(4, 67, DType::f32);
  layer_norm_modulate_reference(x.view(), {}, {}, kEpsilon, expected.view());
  layer_norm_modulate(context, x.view(), {}, {}, kEpsilon, x.view());
  expect_close(x, expected, bound(67, DType::f32), "in place");
}

TEST(LayerNorm, IsTheSameForAnyNumberOfThreads) {
  OddMatrix x(300, 257, DType::f32);
  x.fill(6);
  OddMatrix one(300, 257, DType::f32);
  OddMatrix three(300, 257, DType::f32);
  layer_norm_modulate(Context({.threads = 1}), x.view(), {}, {}, kEpsilon, one.view());
  layer_norm_modulate(Context({.threads = 3}), x.view(), {}, {}, kEpsilon, three.view());
  expect_close(three, one, {}, "3 threads");
}

TEST(LayerNorm, HasNoRowsToDoInAnEmptyMatrix) {
  OddMatrix x(0, 8, DType::f32);
  layer_norm_modulate(Context({.threads = 2}), x.view(), {}, {}, kEpsilon, x.view());
  EXPECT_TRUE(x.surroundings_untouched());
}

}  // namespace
}  // namespace imagined::engine
