#include "engine/ops/group_norm/group_norm.h"

#include "engine/ops/op_testing.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

/// Statistics are in double; what remains are the roundings of factor, summand, product and sum,
/// each relative to the largest of them, and silu's own 6e-7.
Tolerance bound(DType out, double largest) {
  const double ties = out == DType::bf16 ? rounding(out) : 0;
  return {.relative = rounding(out) + ties + 6e-7, .absolute = 4 * 0x1p-24 * largest};
}

struct Shape {
  int height;
  int width;
  int channels;
  int groups;
};

class GroupNormShapes : public ::testing::TestWithParam<Shape> {};

TEST_P(GroupNormShapes, MatchesReferenceWithAndWithoutSilu) {
  const auto [height, width, channels, groups] = GetParam();
  const std::int64_t pixels = std::int64_t{height} * width;
  const Context context({.threads = 2});
  const Vector weight(hashed_values(2, static_cast<std::size_t>(channels), 0.5f, 1.5f));
  const Vector bias(hashed_values(3, static_cast<std::size_t>(channels)));
  for (const auto& [from, dtype] : {std::pair{DType::f32, DType::f32},
                                    {DType::f32, DType::bf16},
                                    {DType::bf16, DType::bf16},
                                    {DType::bf16, DType::f32}}) {
    OddMatrix x(pixels, channels, from);
    x.fill(1, -1, 3);
    for (const bool silu : {false, true}) {
      const GroupNormOptions options{.groups = groups, .epsilon = 1e-6f, .silu = silu};
      OddMatrix expected(pixels, channels, dtype);
      group_norm_reference({x.view(), height, width}, weight, bias, options,
                           {expected.view(), height, width});
      on_each_target([&, to = dtype](const std::string& target) {
        OddMatrix actual(pixels, channels, to);
        group_norm(context, {x.view(), height, width}, weight, bias, options,
                   {actual.view(), height, width});
        expect_close(actual, expected, bound(to, 6), target);
        EXPECT_TRUE(actual.surroundings_untouched()) << target;
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, GroupNormShapes,
                         ::testing::Values(Shape{3, 5, 4, 2}, Shape{2, 2, 6, 2}, Shape{5, 3, 8, 8},
                                           Shape{7, 3, 12, 4}, Shape{4, 9, 33, 3},
                                           Shape{6, 6, 64, 32}, Shape{9, 7, 96, 8},
                                           Shape{33, 17, 128, 32}));

/// PyTorch's plain f32 sums are off by 3.5e-4 on such a picture (flux.md 3.4). The mean is far from
/// zero, so that an f32 sum anywhere would show: its variance would be off by 1e-2.
TEST(GroupNorm, StaysExactOnAMillionPixelsFarFromZero) {
  constexpr std::int64_t kSide = 1024;
  const Context context({.threads = 2});
  Tensor x(kSide * kSide, 2);
  for (std::size_t i = 0; i < x.values().size(); ++i) x.values()[i] = hashed(1, i, 99.0f, 101.0f);
  const Vector weight(std::vector<float>(2, 1.0f));
  const Vector bias(std::vector<float>(2, 0.0f));
  const GroupNormOptions options{.groups = 1};
  Tensor expected(kSide * kSide, 2);
  group_norm_reference({x.view(), kSide, kSide}, weight, bias, options,
                       {expected.view(), kSide, kSide});
  group_norm(context, {x.view(), kSide, kSide}, weight, bias, options, {x.view(), kSide, kSide});
  // x is 173 deviations from zero: factor times x and the summand each round at 173 * 2^-24.
  double worst = 0;
  for (std::size_t i = 0; i < x.values().size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(x.values()[i]) - expected.values()[i]));
  }
  EXPECT_LE(worst, 4 * 174 * 0x1p-24);
}

TEST(GroupNorm, IsTheSameForAnyNumberOfThreads) {
  OddMatrix x(90 * 70, 48, DType::f32);
  x.fill(6);
  const Vector weight(hashed_values(2, 48));
  const Vector bias(hashed_values(3, 48));
  const GroupNormOptions options{.groups = 8, .silu = true};
  OddMatrix one(90 * 70, 48, DType::f32);
  OddMatrix three(90 * 70, 48, DType::f32);
  group_norm(Context({.threads = 1}), {x.view(), 90, 70}, weight, bias, options,
             {one.view(), 90, 70});
  group_norm(Context({.threads = 3}), {x.view(), 90, 70}, weight, bias, options,
             {three.view(), 90, 70});
  expect_close(three, one, {}, "3 threads");
}

TEST(GroupNormSteps, GiveAnyPixelsWhatTheWholePictureGivesThem) {
  constexpr std::int64_t kHeight = 7;
  constexpr std::int64_t kWidth = 9;
  OddMatrix x(kHeight * kWidth, 48, DType::f32);
  x.fill(6);
  const Vector weight(hashed_values(2, 48));
  const Vector bias(hashed_values(3, 48));
  const GroupNormOptions options{.groups = 8, .silu = true};
  const Context context({.threads = 2});
  OddMatrix whole(kHeight * kWidth, 48, DType::bf16);
  OddMatrix parts(kHeight * kWidth, 48, DType::bf16);
  const ConstImageView picture(x.view(), kHeight, kWidth);
  group_norm(context, picture, weight, bias, options, {whole.view(), kHeight, kWidth});
  const GroupNorm norm(context, picture, weight, bias, options);
  for (std::int64_t first = 0; first < kHeight * kWidth; first += 10) {
    const std::int64_t count = std::min<std::int64_t>(10, kHeight * kWidth - first);
    norm.apply(context, x.view().row_range(first, count), parts.view().row_range(first, count));
  }
  expect_close(parts, whole, {}, "pixels by tens");
}

TEST(GroupNorm, OfAConstantPictureIsTheBias) {
  OddMatrix x(12, 8, DType::f32);
  x.fill(0, 5, 5);
  const Vector weight(std::vector<float>(8, 3.0f));
  const Vector bias(hashed_values(3, 8));
  group_norm(Context({.threads = 1}), {x.view(), 3, 4}, weight, bias, {.groups = 4},
             {x.view(), 3, 4});
  // 1 / sqrt(epsilon) = 1000 magnifies the rounding of 5 * 3000 and its negative.
  for (std::int64_t c = 0; c < 8; ++c) {
    EXPECT_NEAR(x.get(7, c), bias.values()[static_cast<std::size_t>(c)], 4 * 15000 * 0x1p-24) << c;
  }
}

}  // namespace
}  // namespace imagined::engine
