#include "service/videos/video_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace imagined::service {
namespace {

using ::testing::HasSubstr;

TEST(VideoSize, IsNamedByItsShortSide) {
  for (const AspectRatio ratio : video_aspect_ratios()) {
    const PictureSize small = video_size(ratio, VideoResolution::p480);
    const PictureSize large = video_size(ratio, VideoResolution::p720);
    EXPECT_EQ(std::min(small.width, small.height), 480);
    EXPECT_EQ(std::min(large.width, large.height), 720);
  }
  EXPECT_EQ(video_size(AspectRatio::r16_9, VideoResolution::p480), (PictureSize{848, 480}));
  EXPECT_EQ(video_size(AspectRatio::r9_16, VideoResolution::p720), (PictureSize{720, 1280}));
}

TEST(VideoSize, HasTheShapeOfItsWord) {
  // 848 for 853.3 is the furthest off.
  for (const AspectRatio ratio : video_aspect_ratios()) {
    const PictureSize size = video_size(ratio, VideoResolution::p480);
    const std::string word(to_string(ratio));
    const double expected = std::stod(word) / std::stod(word.substr(word.find(':') + 1));
    EXPECT_NEAR(static_cast<double>(size.width) / size.height, expected, 0.012) << word;
    EXPECT_EQ(size.width % 8, 0);
    EXPECT_EQ(size.height % 8, 0);
  }
}

TEST(VideoSize, FollowsTheFirstPicture) {
  EXPECT_EQ(nearest_video_aspect_ratio(1024, 1024), AspectRatio::r1_1);
  EXPECT_EQ(nearest_video_aspect_ratio(848, 480), AspectRatio::r16_9);
  EXPECT_EQ(nearest_video_aspect_ratio(768, 1376), AspectRatio::r9_16);
  EXPECT_EQ(nearest_video_aspect_ratio(3000, 1000), AspectRatio::r16_9);
  EXPECT_EQ(nearest_video_aspect_ratio(1300, 1000), AspectRatio::r4_3);
}

TEST(VideoWords, AreReadAsTheyAreWritten) {
  for (const AspectRatio ratio : video_aspect_ratios())
    EXPECT_EQ(parse_video_aspect_ratio(to_string(ratio)).value(), ratio);
  for (const VideoResolution resolution : video_resolutions())
    EXPECT_EQ(parse_video_resolution(to_string(resolution)).value(), resolution);
  EXPECT_EQ(parse_video_resolution("720P").value(), VideoResolution::p720);
}

TEST(VideoWords, ThatNoVideoHasAreRefusedWithThoseThatOneCan) {
  const auto ratio = parse_video_aspect_ratio("21:9");
  ASSERT_FALSE(ratio);
  EXPECT_EQ(ratio.error().field, "aspect_ratio");
  EXPECT_THAT(ratio.error().message, HasSubstr("1:1, 16:9, 9:16, 4:3, 3:4, 3:2, 2:3"));
  const auto resolution = parse_video_resolution("1080p");
  ASSERT_FALSE(resolution);
  EXPECT_EQ(resolution.error().field, "resolution");
  EXPECT_THAT(resolution.error().message, HasSubstr("\"1080p\", expected one of 480p, 720p"));
}

}  // namespace
}  // namespace imagined::service
