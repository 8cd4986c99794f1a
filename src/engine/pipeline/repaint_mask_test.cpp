#include "engine/pipeline/repaint_mask.h"

#include <gtest/gtest.h>

namespace imagined::engine {
namespace {

/// Every pixel by a function of its place.
template <class Pixel>
image::Picture drawn(int width, int height, int channels, Pixel pixel) {
  image::Picture picture{.width = width, .height = height, .channels = channels, .pixels = {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const std::vector<std::uint8_t> values = pixel(x, y);
      picture.pixels.insert(picture.pixels.end(), values.begin(), values.end());
    }
  return picture;
}

std::vector<float> tokens_of(const image::Picture& mask) {
  const PicturePlan plan{.token_rows = 2, .token_cols = 2, .crop_width = 8, .crop_height = 8};
  return repaint_mask(Context({.threads = 1}), mask.view(), plan, 4);
}

TEST(RepaintMask, MakesAnewWhatIsWhite) {
  const auto mask = drawn(8, 8, 3, [](int x, int y) {
    return std::vector<std::uint8_t>(3, x >= 4 && y < 4 ? 255 : 0);
  });
  EXPECT_EQ(tokens_of(mask), (std::vector<float>{0, 1, 0, 0}));
}

TEST(RepaintMask, MakesAnewWhatIsTransparentAndNotWhatIsWhite) {
  const auto mask = drawn(8, 8, 4, [](int x, int) {
    return std::vector<std::uint8_t>{255, 255, 255, static_cast<std::uint8_t>(x < 4 ? 0 : 255)};
  });
  EXPECT_EQ(tokens_of(mask), (std::vector<float>{1, 0, 1, 0}));
}

TEST(RepaintMask, TakesTheMeanOfTheFourMiddlePixels) {
  // Columns 0 and 1 are white: of the first token's middle pixels (1 and 2) the left two.
  const auto mask =
      drawn(8, 8, 3, [](int x, int) { return std::vector<std::uint8_t>(3, x < 2 ? 255 : 0); });
  EXPECT_EQ(tokens_of(mask), (std::vector<float>{0.5, 0, 0.5, 0}));
}

TEST(RepaintMask, MakesALargeTokenAnewThatHasAnyWhite) {
  const auto mask = drawn(128, 128, 3, [](int x, int y) {
    return std::vector<std::uint8_t>(3, x == 70 && y == 3 ? 255 : 0);
  });
  const PicturePlan plan{.token_rows = 2, .token_cols = 2, .crop_width = 128, .crop_height = 128};
  EXPECT_EQ(repaint_mask(Context({.threads = 1}), mask.view(), plan, 64),
            (std::vector<float>{0, 1, 0, 0}));
}

TEST(RepaintMask, CountsGreyFromOneHalfOnAsWhite) {
  for (const int level : {127, 128}) {
    const auto mask = drawn(8, 8, 3, [level](int, int) {
      return std::vector<std::uint8_t>(3, static_cast<std::uint8_t>(level));
    });
    EXPECT_EQ(tokens_of(mask), std::vector<float>(4, level == 128 ? 1.0f : 0.0f)) << level;
  }
}

TEST(RepaintMask, IsBroughtToTheSizeOfThePicture) {
  const auto mask =
      drawn(64, 2, 3, [](int x, int) { return std::vector<std::uint8_t>(3, x < 32 ? 255 : 0); });
  EXPECT_EQ(tokens_of(mask), (std::vector<float>{1, 0, 1, 0}));
}

// Of 8 columns 4 are shown, the middle ones: the mask's halves are one column of tokens each.
TEST(RepaintMask, LiesOverWhatIsShownAndGoesOnBeyondIt) {
  const auto mask =
      drawn(4, 8, 3, [](int x, int) { return std::vector<std::uint8_t>(3, x < 1 ? 255 : 0); });
  const PicturePlan plan{.token_rows = 2, .token_cols = 2, .crop_width = 4, .crop_height = 8};
  EXPECT_EQ(repaint_mask(Context({.threads = 1}), mask.view(), plan, 4),
            (std::vector<float>{1, 0, 1, 0}));
}

// Tokens of 4 x 4 pixels, 2 x 2 of them, of which the middle 4 x 8 pixels are shown, twice as
// large.
TEST(PutBack, GivesWholeTokensThatStayTheirOwnPixelsAndNoOthers) {
  const PicturePlan plan{.token_rows = 2,
                         .token_cols = 2,
                         .crop_width = 4,
                         .crop_height = 8,
                         .width = 8,
                         .height = 16};
  const auto level = [](int value) {
    return drawn(8, 16, 3, [value](int, int) {
      return std::vector<std::uint8_t>(3, static_cast<std::uint8_t>(value));
    });
  };
  image::Picture made = level(200);
  put_back(level(7).view(), std::vector<float>{0, 1, 0.25, 0}, plan, 4, made);
  const auto expected = drawn(8, 16, 3, [](int x, int y) {
    const bool stays = (x < 4) == (y < 8);  // left above, right below
    return std::vector<std::uint8_t>(3, stays ? 7 : 200);
  });
  EXPECT_EQ(made.pixels, expected.pixels);
}

}  // namespace
}  // namespace imagined::engine
