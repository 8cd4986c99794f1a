#include "engine/ops/sharpen_edges/sharpen_edges.h"

#include <cmath>

#include "engine/ops/op_testing.h"
#include "engine/ops/sharpen_edges/gaussian.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

image::Picture picture_of(int width, int height, const auto& level) {
  image::Picture picture{.width = width, .height = height};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double value = std::clamp<double>(std::round(level(x, y, c)), 0, 255);
        picture.pixels.push_back(static_cast<std::uint8_t>(value));
      }
    }
  }
  return picture;
}

/// A step from 40 to 200 along a line at an angle, under a Gaussian of 2 pixels.
image::Picture soft_edge(double angle, int side = 40) {
  return picture_of(side, side, [=](int x, int y, int) {
    const double middle = (side - 1) / 2.0;
    const double away = (x - middle) * std::cos(angle) + (y - middle) * std::sin(angle);
    return 120 + 80 * std::erf(away / (2 * std::sqrt(2.0)));
  });
}

/// Pixels of the middle row that lie between a tenth and nine tenths of the step.
int width_of_edge(const image::Picture& picture) {
  int between = 0;
  const std::size_t row = static_cast<std::size_t>(picture.height / 2 * picture.width);
  for (std::size_t x = 0; x < static_cast<std::size_t>(picture.width); ++x) {
    const int level = picture.pixels[(row + x) * 3];
    if (level > 40 + 16 && level < 200 - 16) ++between;
  }
  return between;
}

int farthest(const image::Picture& one, const image::Picture& other) {
  int worst = one.pixels.size() == other.pixels.size() ? 0 : 256;
  for (std::size_t i = 0; i < one.pixels.size() && worst < 256; ++i)
    worst = std::max(worst, std::abs(one.pixels[i] - other.pixels[i]));
  return worst;
}

TEST(GaussianWeights, SumToOneAndReachTwoAndAHalfSigma) {
  const std::vector<double> weights = gaussian_weights(1.5);
  ASSERT_EQ(weights.size(), 9u);
  double sum = 0;
  for (const double weight : weights) sum += weight;
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_NEAR(weights[5] / weights[4], std::exp(-1 / 4.5), 1e-12);
}

/// Places are off by less than 1e-3 pixels in f32, of 255 levels a pixel: only the rounding of a
/// level to the other side is left.
TEST(SharpenEdges, IsWithinALevelOfTheTwinForRandomPictures) {
  const Context context({.threads = 2});
  for (std::uint32_t seed = 0; seed < 24; ++seed) {
    const int width = static_cast<int>(hashed(seed, 1, 2, 60));
    const int height = static_cast<int>(hashed(seed, 2, 2, 60));
    const auto place = [&](int x, int y, int c) {
      return static_cast<std::size_t>((y / 3 * width + x / 3) * 3 + c);  // blocks, with edges
    };
    const image::Picture in = picture_of(
        width, height, [&](int x, int y, int c) { return hashed(seed, place(x, y, c), 0, 256); });
    const EdgeSharpening how{.sigma = hashed(seed, 3, 0.5f, 4),
                             .reach = hashed(seed, 4, 0.3f, 3),
                             .weak = hashed(seed, 5, 1, 10)};
    const image::Picture expected = sharpen_edges_reference(in.view(), how);
    on_each_target([&](const std::string& target) {
      EXPECT_LE(farthest(sharpen_edges(context, in.view(), how), expected), 1)
          << target << " " << width << "x" << height;
    });
  }
}

TEST(SharpenEdges, MakesASoftEdgeNarrowAtAnyAngle) {
  const Context context({.threads = 2});
  for (const double degrees : {0.0, 20.0, 45.0, 160.0}) {
    const image::Picture soft = soft_edge(degrees * M_PI / 180);
    ASSERT_GE(width_of_edge(soft), 5);
    const image::Picture sharp = sharpen_edges(context, soft.view(), {.passes = 3});
    EXPECT_LE(width_of_edge(sharp), 2) << degrees;
  }
}

/// training/tests/test_finish.py has the same numbers.
TEST(SharpenEdges, DoesWhatTheTrainerDoes) {
  const image::Picture sharp = sharpen_edges(Context({.threads = 1}), soft_edge(0).view(), {});
  std::vector<int> row;
  for (std::size_t x = 14; x < 26; ++x) row.push_back(sharp.pixels[(20 * 40 + x) * 3]);
  EXPECT_EQ(row, (std::vector<int>{40, 41, 43, 47, 58, 95, 145, 182, 193, 197, 199, 200}));
}

TEST(SharpenEdges, LeavesTheEdgeWhereItIs) {
  const image::Picture sharp =
      sharpen_edges(Context({.threads = 1}), soft_edge(0).view(), {.passes = 3});
  for (const std::size_t x : {16, 17, 18}) EXPECT_LT(sharp.pixels[(20 * 40 + x) * 3], 60) << x;
  for (const std::size_t x : {21, 22, 23}) EXPECT_GT(sharp.pixels[(20 * 40 + x) * 3], 180) << x;
}

/// Unlike what adds a multiple of the differences: no rims brighter or darker than the picture.
TEST(SharpenEdges, MakesNoLevelThatWasNotThere) {
  const image::Picture sharp =
      sharpen_edges(Context({.threads = 1}), soft_edge(0.3).view(), {.reach = 2, .passes = 4});
  for (const std::uint8_t level : sharp.pixels) {
    ASSERT_GE(level, 40);
    ASSERT_LE(level, 200);
  }
}

TEST(SharpenEdges, LeavesARampAndAFlatColour) {
  const Context context({.threads = 2});
  const auto same = [&](const image::Picture& picture) {
    return farthest(picture, sharpen_edges(context, picture.view(), {.passes = 2}));
  };
  EXPECT_EQ(same(picture_of(30, 20, [](int, int, int c) { return 7.0 + 100 * c; })), 0);
  EXPECT_EQ(same(picture_of(64, 20, [](int x, int, int) { return 30.0 + x; })), 0);
}

TEST(SharpenEdges, OfNoPassIsThePicture) {
  const image::Picture soft = soft_edge(1);
  EXPECT_EQ(farthest(soft, sharpen_edges(Context({.threads = 1}), soft.view(), {.passes = 0})), 0);
}

TEST(SharpenEdges, IsTheSameForAnyNumberOfThreads) {
  const image::Picture soft = soft_edge(0.7, 300);
  const EdgeSharpening how{.passes = 2};
  EXPECT_EQ(sharpen_edges(Context({.threads = 1}), soft.view(), how).pixels,
            sharpen_edges(Context({.threads = 3}), soft.view(), how).pixels);
}

}  // namespace
}  // namespace imagined::engine
