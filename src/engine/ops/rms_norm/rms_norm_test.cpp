#include "engine/ops/rms_norm/rms_norm.h"

#include "engine/ops/op_testing.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

constexpr float kEpsilon = 1e-6f;

/// The sum of squares has no cancellation: its relative error, halved by the root, is that of the
/// result. The smallest wrong result, a mean over dim - 1, is off by 1 / (2 dim).
Tolerance bound(std::int64_t dim, DType out) {
  const double ties = out == DType::bf16 ? rounding(out) : 0;
  return {.relative = rounding(out) + ties + sum_error(dim), .absolute = 0};
}

class RmsNormWidths : public ::testing::TestWithParam<int> {};

TEST_P(RmsNormWidths, MatchesReferenceOnUnalignedRows) {
  const std::int64_t dim = GetParam();
  const Context context({.threads = 2});
  const Vector weight(hashed_values(2, static_cast<std::size_t>(dim), 0.5f, 1.5f));
  for (const DType in : {DType::f32, DType::bf16}) {
    OddMatrix x(5, dim, in);
    x.fill(1);
    for (const DType dtype : {DType::f32, DType::bf16}) {
      OddMatrix expected(5, dim, dtype);
      rms_norm_reference(x.view(), weight, kEpsilon, expected.view());
      on_each_target([&](const std::string& target) {
        OddMatrix actual(5, dim, dtype);
        rms_norm(context, x.view(), weight, kEpsilon, actual.view());
        expect_close(actual, expected, bound(dim, dtype),
                     fmt::format("{} {} to {}", target, name(in), name(dtype)));
        EXPECT_TRUE(actual.surroundings_untouched()) << target;
      });
    }
  }
}

/// SiLU makes 1 + y (1 - sigmoid(y)) of a relative error, below 4 in size for the y of these rows,
/// and has 1e-6 of its own (swiglu_test).
TEST_P(RmsNormWidths, WithSiluMatchesReferenceOnUnalignedRows) {
  const std::int64_t dim = GetParam();
  const Context context({.threads = 2});
  const Vector weight(hashed_values(2, static_cast<std::size_t>(dim), 0.5f, 1.5f));
  OddMatrix x(5, dim, DType::f32);
  x.fill(1);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    OddMatrix expected(5, dim, dtype);
    rms_norm_silu_reference(x.view(), weight, kEpsilon, expected.view());
    Tolerance tolerance = bound(dim, dtype);
    tolerance.relative += 4 * sum_error(dim) + 4 * rounding(DType::f32) + 1e-6;
    on_each_target([&](const std::string& target) {
      OddMatrix actual(5, dim, dtype);
      rms_norm_silu(context, x.view(), weight, kEpsilon, actual.view());
      expect_close(actual, expected, tolerance, target + " " + std::string(name(dtype)));
      EXPECT_TRUE(actual.surroundings_untouched()) << target;
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, RmsNormWidths,
                         ::testing::Values(1, 2, 3, 7, 16, 33, 64, 67, 128, 1000, 2560));

TEST(RmsNorm, WritesOverItsInput) {
  const Vector weight(std::vector<float>(67, 2.0f));
  OddMatrix x(4, 67, DType::f32);
  x.fill(5);
  OddMatrix expected(4, 67, DType::f32);
  rms_norm_reference(x.view(), weight, kEpsilon, expected.view());
  rms_norm(Context({.threads = 2}), x.view(), weight, kEpsilon, x.view());
  expect_close(x, expected, bound(67, DType::f32), "in place");
}

TEST(RmsNorm, OfZerosIsZero) {
  const Vector weight(std::vector<float>(9, 1.0f));
  OddMatrix x(1, 9, DType::f32);
  for (std::int64_t c = 0; c < 9; ++c) x.set(0, c, 0);
  rms_norm(Context({.threads = 1}), x.view(), weight, kEpsilon, x.view());
  for (std::int64_t c = 0; c < 9; ++c) EXPECT_EQ(x.get(0, c), 0) << c;
}

TEST(RmsNorm, IsTheSameForAnyNumberOfThreads) {
  const Vector weight(std::vector<float>(257, 1.0f));
  OddMatrix x(300, 257, DType::f32);
  x.fill(6);
  OddMatrix one(300, 257, DType::bf16);
  OddMatrix three(300, 257, DType::bf16);
  rms_norm(Context({.threads = 1}), x.view(), weight, kEpsilon, one.view());
  rms_norm(Context({.threads = 3}), x.view(), weight, kEpsilon, three.view());
  expect_close(three, one, {}, "3 threads");
}

}  // namespace
}  // namespace imagined::engine
