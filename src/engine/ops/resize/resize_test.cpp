#include "engine/ops/resize/resize.h"

#include "engine/ops/op_testing.h"
#include "engine/ops/resize/lanczos_weights.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

/// Repeatable pixels; every third picture has black and white only, which makes Lanczos overshoot.
std::vector<std::uint8_t> some_pixels(std::uint32_t seed, int width, int height, int channels) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) *
                                   static_cast<std::size_t>(height) *
                                   static_cast<std::size_t>(channels));
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const float value = hashed(seed, i, 0, 256);
    pixels[i] = static_cast<std::uint8_t>(seed % 3 == 0 ? (value < 128 ? 0 : 255) : value);
  }
  return pixels;
}

TEST(LanczosWeights, OfADoublingAreTheNormalisedKernel) {
  // Place 101 lies at 50.75: sinc(x) sinc(x / 3) at -2.25, -1.25, ... 2.75, divided by their sum.
  const LanczosWeights weights = make_lanczos_weights(100, 200);
  const LanczosWeights::Window window = weights.window(101);
  EXPECT_EQ(window.first, 48);
  ASSERT_EQ(window.count, 6);
  const double exact[] = {0.03011229, -0.13327464, 0.89277077, 0.27101057, -0.06799726, 0.00737827};
  for (int k = 0; k < 6; ++k) {
    EXPECT_NEAR(window.weights[k] / 4194304.0, exact[k], 0x1p-22) << k;
  }
}

TEST(LanczosWeights, SumToOneUpToTheirRounding) {
  for (const int size : {1, 2, 5, 37, 99, 100, 250}) {
    const LanczosWeights weights = make_lanczos_weights(99, size);
    for (int place = 0; place < size; ++place) {
      const LanczosWeights::Window window = weights.window(place);
      ASSERT_LE(window.count, weights.taps);
      ASSERT_LE(window.first + window.count, 99);
      std::int64_t sum = 0;
      for (int k = 0; k < window.count; ++k) sum += window.weights[k];
      EXPECT_NEAR(static_cast<double>(sum), 1 << kLanczosBits, window.count) << size << place;
    }
  }
}

TEST(ResizeLanczos, EqualsTheTwinForRandomSizes) {
  const Context context({.threads = 2});
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    const auto size = [seed](std::uint32_t what) {
      return static_cast<int>(hashed(seed, what, 1, 90));
    };
    const int channels = seed % 2 == 0 ? 3 : 4;
    const auto pixels = some_pixels(seed, size(0), size(1), channels);
    const image::PictureView in{size(0), size(1), channels, pixels};
    const auto expected = resize_lanczos_reference(in, size(2), size(3));
    on_each_target([&](const std::string& target) {
      EXPECT_EQ(resize_lanczos(context, in, size(2), size(3)), expected) << fmt::format(
          "{} {}x{}x{} to {}x{}", target, size(0), size(1), channels, size(2), size(3));
    });
  }
}

TEST(ResizeLanczos, DoublesAsTheTwin) {
  const auto pixels = some_pixels(1, 61, 47, 3);
  const image::PictureView in{61, 47, 3, pixels};
  EXPECT_EQ(resize_lanczos(Context({.threads = 2}), in, 122, 94),
            resize_lanczos_reference(in, 122, 94));
}

TEST(ResizeLanczos, ToItsOwnSizeKeepsColoursBehindTransparency) {
  const std::vector<std::uint8_t> pixels = {200, 100, 50, 0, 1, 2, 3, 4};
  EXPECT_EQ(resize_lanczos(Context({.threads = 1}), {2, 1, 4, pixels}, 2, 1), pixels);
}

TEST(ResizeLanczos, KeepsAFlatColour) {
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < 20 * 10; ++i) pixels.insert(pixels.end(), {7, 130, 255});
  const auto out = resize_lanczos(Context({.threads = 2}), {20, 10, 3, pixels}, 33, 7);
  for (std::size_t i = 0; i < out.size(); i += 3) {
    ASSERT_EQ(out[i], 7);
    ASSERT_EQ(out[i + 1], 130);
    ASSERT_EQ(out[i + 2], 255);
  }
}

/// A transparent red pixel beside an opaque blue one: without premultiplication red would bleed in.
TEST(ResizeLanczos, LetsNoColourOfTransparentPixelsBleed) {
  const std::vector<std::uint8_t> pixels = {255, 0, 0, 0, 0, 0, 255, 255};
  const auto out = resize_lanczos(Context({.threads = 1}), {2, 1, 4, pixels}, 8, 1);
  for (std::size_t i = 0; i < out.size(); i += 4) EXPECT_EQ(out[i], 0) << i;
}

TEST(ResizeLanczos, IsTheSameForAnyNumberOfThreads) {
  const auto pixels = some_pixels(2, 200, 150, 3);
  const image::PictureView in{200, 150, 3, pixels};
  EXPECT_EQ(resize_lanczos(Context({.threads = 1}), in, 301, 277),
            resize_lanczos(Context({.threads = 3}), in, 301, 277));
}

TEST(ResizeLanczos, TakesColumnsFirstOnlyWhereTheHeightShrinksMost) {
  const image::PictureView square{100, 100, 3, {}};
  EXPECT_FALSE(resamples_down_first(square, 50, 50));
  EXPECT_FALSE(resamples_down_first(square, 80, 60));  // 40 against 2 * 20
  EXPECT_TRUE(resamples_down_first(square, 80, 59));
  EXPECT_TRUE(resamples_down_first(square, 200, 99));
  EXPECT_FALSE(resamples_down_first(square, 200, 200));
}

}  // namespace
}  // namespace imagined::engine
