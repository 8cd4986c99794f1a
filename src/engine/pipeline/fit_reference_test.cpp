#include "engine/pipeline/fit_reference.h"

#include <gtest/gtest.h>

namespace imagined::engine {
namespace {

TEST(FitReference, CutsTheMiddleOfASmallPicture) {
  const auto fit = fit_reference(100, 83, 1024 * 1024, 16);
  ASSERT_TRUE(fit);
  EXPECT_EQ(fit->resized_width, 100);
  EXPECT_EQ(fit->resized_height, 83);
  EXPECT_EQ(fit->width, 96);
  EXPECT_EQ(fit->height, 80);
  EXPECT_EQ(fit->left, 2);
  EXPECT_EQ(fit->top, 1);  // floor(3 / 2)
}

TEST(FitReference, CapsTheAreaAndRoundsDown) {
  // sqrt(2^20 / 12e6) = 0.29561: 1182.4 x 886.8.
  const auto fit = fit_reference(4000, 3000, 1024 * 1024, 16);
  ASSERT_TRUE(fit);
  EXPECT_EQ(fit->resized_width, 1182);
  EXPECT_EQ(fit->resized_height, 886);
  EXPECT_EQ(fit->width, 1168);
  EXPECT_EQ(fit->height, 880);
  EXPECT_EQ(fit->left, 7);
  EXPECT_EQ(fit->top, 3);
}

TEST(FitReference, LeavesAPictureAtTheCapAlone) {
  const auto fit = fit_reference(2048, 512, 1024 * 1024, 16);
  ASSERT_TRUE(fit);
  EXPECT_EQ(fit->resized_width, 2048);
  EXPECT_EQ(fit->width, 2048);
  EXPECT_EQ(fit->left, 0);
}

TEST(FitReference, RefusesWhatIsNarrowerThanOneStep) {
  const auto fit = fit_reference(300, 100, 1024 * 1024, 128);
  ASSERT_FALSE(fit);
  EXPECT_EQ(fit.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(fit.error().message.find("300x100"), std::string::npos);
}

TEST(FitReference, RefusesSizesThatAreNotPositive) {
  EXPECT_FALSE(fit_reference(0, 100, 1024, 16));
  EXPECT_FALSE(fit_reference(100, -5, 1024, 16));
}

TEST(CheckReferenceSize, AcceptsSidesOf64AndARatioOf8) {
  EXPECT_TRUE(check_reference_size(64, 64));
  EXPECT_TRUE(check_reference_size(800, 100));
}

TEST(CheckReferenceSize, RefusesANarrowerSide) { EXPECT_FALSE(check_reference_size(63, 400)); }

TEST(CheckReferenceSize, RefusesALargerRatio) { EXPECT_FALSE(check_reference_size(100, 801)); }

TEST(ApplyFit, DropsAlphaWithoutBlending) {
  std::vector<std::uint8_t> pixels;
  for (std::uint8_t i = 0; i < 12; ++i) {  // 4 x 3
    pixels.insert(pixels.end(), {i, static_cast<std::uint8_t>(100 + i), 9, 0});
  }
  const ReferenceFit fit{
      .resized_width = 4, .resized_height = 3, .left = 1, .top = 1, .width = 2, .height = 2};
  const auto out = apply_fit(Context({.threads = 1}), {4, 3, 4, pixels}, fit);
  EXPECT_EQ(out, (std::vector<std::uint8_t>{5, 105, 9, 6, 106, 9, 9, 109, 9, 10, 110, 9}));
}

constexpr ReferenceSize kSizes[] = {{32, 96}, {64, 64}, {96, 32}};

TEST(FitToSizes, TakesTheNearestRatioAndCutsNothing) {
  const ReferenceFit fit = fit_to_sizes(3000, 1300, kSizes, 16);  // 2.31: 1.31 from 1, 0.69 from 3
  EXPECT_EQ(fit.resized_width, 96);
  EXPECT_EQ(fit.resized_height, 32);
  EXPECT_EQ(fit.width, 96);
  EXPECT_EQ(fit.height, 32);
  EXPECT_EQ(fit.left, 0);
  EXPECT_EQ(fit.top, 0);
  EXPECT_EQ(fit_to_sizes(70, 64, kSizes, 16).width, 64);
  EXPECT_EQ(fit_to_sizes(64, 500, kSizes, 16).width, 32);
}

TEST(FitToSizes, ComparesSidesThatCountInWholeTokens) {
  constexpr ReferenceSize kClose[] = {{100, 100}, {110, 100}};
  EXPECT_EQ(fit_to_sizes(127, 112, kClose, 16).resized_width, 96);  // 112 / 112, not 127 / 112
  EXPECT_EQ(fit_to_sizes(127, 112, kClose, 1).resized_width, 110);
}

}  // namespace
}  // namespace imagined::engine
