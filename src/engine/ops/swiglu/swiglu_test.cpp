#include "engine/ops/swiglu/swiglu.h"

#include "engine/ops/op_testing.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

/// exp is good to 2e-7, the reciprocal to 2e-7, and two products round.
constexpr double kSiluError = 6e-7;

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
    u.fill(1, -8, 8);
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

TEST(Silu, KeepsItsAccuracyFromMinus80To80) {
  const Context context({.threads = 1});
  OddMatrix x(1, 16001, DType::f32);
  for (std::int64_t c = 0; c < x.cols(); ++c) {
    x.set(0, c, static_cast<float>(c - 8000) * 0.01f);
  }
  OddMatrix expected(1, x.cols(), DType::f32);
  for (std::int64_t c = 0; c < x.cols(); ++c) {
    const double value = x.get(0, c);
    expected.set(0, c, static_cast<float>(value / (1.0 + std::exp(-value))));
  }
  on_each_target([&](const std::string& target) {
    OddMatrix actual(1, x.cols(), DType::f32);
    silu(context, x.view(), actual.view());
    expect_close(actual, expected, bound(DType::f32), target);
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
