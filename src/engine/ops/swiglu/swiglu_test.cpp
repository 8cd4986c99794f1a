#include "engine/ops/swiglu/swiglu.h"

#include "engine/ops/op_testing.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

/// e^-x is good to 3e-7 (6e-7 at x = -4 on a machine without fused multiply-add), the reciprocal to
/// 2e-7, and two products round.
constexpr double kSiluError = 1e-6;

Tolerance bound(DType out) {
  const double ties = out == DType::bf16 ? rounding(out) : 0;
  return {.relative = rounding(out) + ties + kSiluError, .absolute = 1e-36};
}

class SwigluWidths : public ::testing::TestWithParam<int> {};

TEST_P(SwigluWidths, MatchesReferenceForAllDtypesOnUnalignedRows) {
  const std::int64_t width = GetParam();
  const Context context({.threads = 2});
  for (const DType in : {DType::f32, DType::bf16}) {
    OddMatrix u(3, 2 * width, in);
    u.fill(1, -4, 8);
    for (const DType dtype : {DType::f32, DType::bf16}) {
      OddMatrix expected(3, width, dtype);
      swiglu_reference(u.view(), expected.view());
      on_each_target([&](const std::string& target) {
        OddMatrix actual(3, width, dtype);
        swiglu(context, u.view(), actual.view());
        expect_close(actual, expected, bound(dtype),
                     fmt::format("{} {} to {}", target, name(in), name(dtype)));
        EXPECT_TRUE(actual.surroundings_untouched()) << target;
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, SwigluWidths, ::testing::Values(1, 3, 7, 16, 33, 48, 192, 1000));

TEST(Swiglu, IsTheSameForAnyNumberOfThreads) {
  OddMatrix u(200, 514, DType::bf16);
  u.fill(6, -4, 4);
  OddMatrix one(200, 257, DType::bf16);
  OddMatrix three(200, 257, DType::bf16);
  swiglu(Context({.threads = 1}), u.view(), one.view());
  swiglu(Context({.threads = 3}), u.view(), three.view());
  expect_close(three, one, {}, "3 threads");
}

/// Without a fused multiply-add the exponent -x log2(e) is rounded once more, by 2^-24 of itself,
/// and with it e^-x by ln 2 times as much; that shows where e^-x counts, below zero.
TEST(Silu, KeepsItsAccuracyFromMinus80To80) {
  const Context context({.threads = 1});
  std::vector<float> x(16001);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = (static_cast<float>(i) - 8000) * 0.01f;
  on_each_target([&](const std::string& target) {
    Tensor out(1, 16001);
    silu(context, ConstMatrixView(x.data(), DType::f32, 1, 16001), out);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double value = x[i];
      const double expected = value / (1.0 + std::exp(-value));
      const double error = kSiluError + 9e-8 * std::max(0.0, -value);
      ASSERT_NEAR(out.values()[i], expected, error * std::abs(expected)) << target << " " << value;
    }
  });
}

TEST(Silu, OfHugeValuesIsThemselvesOrNothing) {
  OddMatrix x(1, 5, DType::f32);
  const float values[] = {1e30f, -1e30f, 100.0f, -100.0f, 0.0f};
  on_each_target([&](const std::string& target) {
    for (std::int64_t c = 0; c < 5; ++c) x.set(0, c, values[c]);
    silu(Context({.threads = 1}), x.view(), x.view());
    EXPECT_FLOAT_EQ(x.get(0, 0), 1e30f) << target;
    EXPECT_NEAR(x.get(0, 1), 0.0, 1e-7) << target;  // 1e30 e^-87; exactly 0 where e^87 overflows
    EXPECT_FLOAT_EQ(x.get(0, 2), 100.0f) << target;
    EXPECT_NEAR(x.get(0, 3), 0.0, 1e-35) << target;
    EXPECT_EQ(x.get(0, 4), 0.0f) << target;
  });
}

TEST(Silu, KeepsNaN) {
  OddMatrix x(1, 17, DType::f32);
  on_each_target([&](const std::string& target) {
    for (std::int64_t c = 0; c < 17; ++c) x.set(0, c, std::nanf(""));
    silu(Context({.threads = 1}), x.view(), x.view());
    for (std::int64_t c = 0; c < 17; ++c) EXPECT_TRUE(std::isnan(x.get(0, c))) << target << c;
  });
}

}  // namespace
}  // namespace imagined::engine
