#include "engine/ops/gelu/gelu.h"

#include "engine/ops/op_testing.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

/// x / (1 + e^-z) itself is good to 1e-6 and, below zero, 9e-8 |z|; z comes from up to four rounded
/// steps of 2^-24, and e^-z repeats its absolute error: another 2.4e-7 |z|. The smallest wrong
/// result, the exact GELU in place of an approximation, is off by 2e-4 at 2.
double sigmoid_error(double z) { return 1e-6 + 3.3e-7 * std::max(0.0, -z); }
constexpr double kLargest = 12;  // |z| of either kind at -4, where the tests below end

Tolerance bound(DType out) {
  const double ties = out == DType::bf16 ? rounding(out) : 0;
  return {.relative = rounding(out) + ties + sigmoid_error(-kLargest), .absolute = 1e-36};
}

class GeluWidths : public ::testing::TestWithParam<int> {};

TEST_P(GeluWidths, MatchesReferenceForAllKindsAndDtypesOnUnalignedRows) {
  const std::int64_t width = GetParam();
  const Context context({.threads = 2});
  for (const DType in : {DType::f32, DType::bf16}) {
    OddMatrix x(3, width, in);
    x.fill(1, -4, 8);
    for (const DType dtype : {DType::f32, DType::bf16}) {
      for (const Gelu kind : {Gelu::tanh, Gelu::quick}) {
        OddMatrix expected(3, width, dtype);
        gelu_reference(x.view(), kind, expected.view());
        on_each_target([&](const std::string& target) {
          OddMatrix actual(3, width, dtype);
          gelu(context, x.view(), kind, actual.view());
          expect_close(actual, expected, bound(dtype),
                       fmt::format("{} {} to {}", target, name(in), name(dtype)));
          EXPECT_TRUE(actual.surroundings_untouched()) << target;
        });
      }
    }
  }
}

TEST_P(GeluWidths, TheGateMultipliesTheOtherHalf) {
  const std::int64_t width = GetParam();
  const Context context({.threads = 2});
  for (const DType in : {DType::f32, DType::bf16}) {
    OddMatrix u(3, 2 * width, in);
    u.fill(2, -4, 8);
    for (const DType dtype : {DType::f32, DType::bf16}) {
      OddMatrix expected(3, width, dtype);
      gated_gelu_reference(u.view(), expected.view());
      on_each_target([&](const std::string& target) {
        OddMatrix actual(3, width, dtype);
        gated_gelu(context, u.view(), actual.view());
        expect_close(actual, expected, bound(dtype),
                     fmt::format("{} {} to {}", target, name(in), name(dtype)));
        EXPECT_TRUE(actual.surroundings_untouched()) << target;
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, GeluWidths, ::testing::Values(1, 3, 7, 16, 33, 48, 192, 1000));

/// Values of PyTorch's gelu(approximate="tanh") and of x * sigmoid(1.702 x).
TEST(Gelu, GivesThePublishedCurves) {
  const float values[] = {-3.0f, -1.0f, -0.1f, 0.0f, 0.5f, 2.0f};
  const double tanh[] = {-0.00363739, -0.158808, -0.0460172, 0, 0.345714, 1.954598};
  const double quick[] = {-0.0180714, -0.154204, -0.0457555, 0, 0.350388, 1.935659};
  for (const Gelu kind : {Gelu::tanh, Gelu::quick}) {
    OddMatrix x(1, 6, DType::f32);
    for (std::int64_t c = 0; c < 6; ++c) x.set(0, c, values[c]);
    gelu(Context({.threads = 1}), x.view(), kind, x.view());
    for (std::int64_t c = 0; c < 6; ++c) {
      EXPECT_NEAR(x.get(0, c), (kind == Gelu::tanh ? tanh : quick)[c], 1e-6) << values[c];
    }
  }
}

TEST(Gelu, WritesOverItsInput) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    OddMatrix x(4, 67, dtype);
    x.fill(3, -4, 4);
    OddMatrix expected(4, 67, dtype);
    gelu_reference(x.view(), Gelu::tanh, expected.view());
    gelu(Context({.threads = 2}), x.view(), Gelu::tanh, x.view());
    expect_close(x, expected, bound(dtype), std::string(name(dtype)));
  }
}

TEST(Gelu, OfHugeValuesIsThemselvesOrNothing) {
  OddMatrix x(1, 5, DType::f32);
  const float values[] = {1e30f, -1e30f, 100.0f, -100.0f, 0.0f};
  on_each_target([&](const std::string& target) {
    for (const Gelu kind : {Gelu::tanh, Gelu::quick}) {
      for (std::int64_t c = 0; c < 5; ++c) x.set(0, c, values[c]);
      gelu(Context({.threads = 1}), x.view(), kind, x.view());
      EXPECT_FLOAT_EQ(x.get(0, 0), 1e30f) << target;
      EXPECT_NEAR(x.get(0, 1), 0.0, 1e-7) << target;  // 1e30 e^-87
      EXPECT_FLOAT_EQ(x.get(0, 2), 100.0f) << target;
      EXPECT_NEAR(x.get(0, 3), 0.0, 1e-35) << target;
      EXPECT_EQ(x.get(0, 4), 0.0f) << target;
    }
  });
}

TEST(Gelu, KeepsNaN) {
  OddMatrix x(1, 17, DType::f32);
  on_each_target([&](const std::string& target) {
    for (const Gelu kind : {Gelu::tanh, Gelu::quick}) {
      for (std::int64_t c = 0; c < 17; ++c) x.set(0, c, std::nanf(""));
      gelu(Context({.threads = 1}), x.view(), kind, x.view());
      for (std::int64_t c = 0; c < 17; ++c) EXPECT_TRUE(std::isnan(x.get(0, c))) << target << c;
    }
  });
}

TEST(Gelu, IsTheSameForAnyNumberOfThreads) {
  OddMatrix u(200, 514, DType::bf16);
  u.fill(6, -4, 4);
  OddMatrix one(200, 257, DType::bf16);
  OddMatrix three(200, 257, DType::bf16);
  gated_gelu(Context({.threads = 1}), u.view(), one.view());
  gated_gelu(Context({.threads = 3}), u.view(), three.view());
  expect_close(three, one, {}, "3 threads");
}

}  // namespace
}  // namespace imagined::engine
