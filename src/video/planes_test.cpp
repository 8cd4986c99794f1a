#include "video/planes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace imagined::video {
namespace {

image::Picture noise(int width, int height, int channels) {
  image::Picture picture{.width = width, .height = height, .channels = channels, .pixels = {}};
  picture.pixels.resize(static_cast<std::size_t>(width * height * channels));
  std::mt19937 random(1);
  for (auto& byte : picture.pixels) byte = static_cast<std::uint8_t>(random());
  return picture;
}

struct Mean {
  double r = 0, g = 0, b = 0;
  double luma() const { return 0.2126 * r + 0.7152 * g + 0.0722 * b; }
};

Mean mean_of(const image::Picture& picture, int column, int row, int side) {
  Mean mean;
  for (int y = row; y < row + side; ++y)
    for (int x = column; x < column + side; ++x) {
      const auto at = static_cast<std::size_t>((y * picture.width + x) * picture.channels);
      const double part = 1.0 / (side * side);
      mean.r += part * picture.pixels[at];
      mean.g += part * picture.pixels[at + 1];
      mean.b += part * picture.pixels[at + 2];
    }
  return mean;
}

// Half a level of the last rounding, and the factors' own: less than 255 * 3 / 2^17.
constexpr double kWithin = 0.51;

TEST(Planes, FollowTheFormulaAtEveryPixel) {
  for (const int channels : {3, 4}) {
    const image::Picture picture = noise(34, 18, channels);
    Planes planes;
    write_planes(picture.view(), planes);
    for (int y = 0; y < picture.height; ++y)
      for (int x = 0; x < picture.width; ++x) {
        const double expected = 16 + 219.0 / 255 * mean_of(picture, x, y, 1).luma();
        ASSERT_NEAR(planes.y[static_cast<std::size_t>(y * picture.width + x)], expected, kWithin);
      }
    for (int y = 0; y < picture.height; y += 2)
      for (int x = 0; x < picture.width; x += 2) {
        const Mean mean = mean_of(picture, x, y, 2);
        const auto at = static_cast<std::size_t>(y / 2 * (picture.width / 2) + x / 2);
        const double scale = 224.0 / 255;
        ASSERT_NEAR(planes.cb[at], 128 + scale * (mean.b - mean.luma()) / 1.8556, kWithin);
        ASSERT_NEAR(planes.cr[at], 128 + scale * (mean.r - mean.luma()) / 1.5748, kWithin);
      }
  }
}

TEST(Planes, KeepWithinTheLimitsOfTheRange) {
  for (const int value : {0, 255}) {
    image::Picture picture{.width = 2, .height = 2, .channels = 3, .pixels = {}};
    picture.pixels.assign(12, static_cast<std::uint8_t>(value));
    Planes planes;
    write_planes(picture.view(), planes);
    EXPECT_EQ(planes.y[3], value == 0 ? 16 : 235);
    EXPECT_EQ(planes.cb[0], 128);
    EXPECT_EQ(planes.cr[0], 128);
  }
}

TEST(PlanesDeathTest, RefuseOddSides) {
  const image::Picture picture = noise(3, 2, 3);
  Planes planes;
  EXPECT_DEATH(write_planes(picture.view(), planes), "3 x 2 has no 4:2:0");
}

}  // namespace
}  // namespace imagined::video
