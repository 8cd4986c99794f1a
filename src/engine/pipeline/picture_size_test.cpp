#include "engine/pipeline/picture_size.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/check.h"

namespace imagined::engine {
namespace {

PicturePlan plan(int width, int height, const SizeRule& rule) {
  const auto planned = plan_picture(width, height, rule);
  CHECK(planned.has_value(), "{}", planned.error().message);
  return *planned;
}

TEST(PicturePlan, TakesTheNextWholeTokensAndCropsToTheSizeAskedFor) {
  const PicturePlan p = plan(1360, 765, {.pixels_per_token = 16});
  EXPECT_EQ(p.token_cols, 85);
  EXPECT_EQ(p.token_rows, 48);  // 768 pixels
  EXPECT_EQ(p.crop_width, 1360);
  EXPECT_EQ(p.crop_height, 765);
  EXPECT_FALSE(p.enlarged());
}

TEST(PicturePlan, MakesALargePictureAtTheNativeAreaOfTheSameRatio) {
  const PicturePlan p = plan(2048, 2048, {.pixels_per_token = 128, .native_pixels = 1024 * 1024});
  EXPECT_EQ(p.token_cols, 8);
  EXPECT_EQ(p.token_rows, 8);
  EXPECT_EQ(p.crop_width, 1024);
  EXPECT_EQ(p.crop_height, 1024);
  EXPECT_EQ(p.width, 2048);
  EXPECT_TRUE(p.enlarged());
}

TEST(PicturePlan, KeepsTheRatioOfAWidePictureWithinAPixel) {
  const PicturePlan p = plan(2816, 1536, {.pixels_per_token = 128, .native_pixels = 1024 * 1024});
  EXPECT_LE(p.crop_width * p.crop_height, 1024 * 1024 + 1400);  // half a row of rounding
  EXPECT_NEAR(static_cast<double>(p.crop_width) / p.crop_height, 2816.0 / 1536.0, 0.002);
  EXPECT_GE(p.token_cols * 128, p.crop_width);
  EXPECT_LT((p.token_cols - 1) * 128, p.crop_width);
}

TEST(PicturePlan, LeavesAPictureOfExactlyTheNativeAreaAlone) {
  EXPECT_FALSE(
      plan(1024, 1024, {.pixels_per_token = 128, .native_pixels = 1024 * 1024}).enlarged());
}

// The same grid and the same part of it as the pictures of that ratio that are made.
TEST(ReferencePlan, IsThatOfAPictureOfItsRatioWhateverItsSize) {
  const SizeRule rule{.pixels_per_token = 64, .native_pixels = 512 * 512};
  const PicturePlan made = plan(1280, 720, rule);
  for (const auto& [width, height] : {std::pair{1280, 720}, {640, 360}, {320, 180}, {3840, 2160}}) {
    const auto given = plan_reference(width, height, rule);
    ASSERT_TRUE(given.has_value()) << width;
    EXPECT_EQ(given->token_rows, made.token_rows);
    EXPECT_EQ(given->token_cols, made.token_cols);
    EXPECT_EQ(given->crop_width, made.crop_width);
    EXPECT_EQ(given->crop_height, made.crop_height);
  }
}

TEST(PicturePlan, RefusesSidesAndAreasBeyondTheLimits) {
  for (const auto& [width, height] :
       {std::pair{63, 512}, {512, 63}, {-5, 512}, {8193, 64}, {8192, 4096}}) {
    const auto planned = plan_picture(width, height, {});
    ASSERT_FALSE(planned.has_value()) << width << " x " << height;
    EXPECT_EQ(planned.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(planned.error().field, "size");
  }
}

}  // namespace
}  // namespace imagined::engine
