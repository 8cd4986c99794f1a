#include "service/pictures/geometry.h"

#include <gtest/gtest.h>

#include <ostream>

namespace imagined::service {

void PrintTo(const PictureSize& size, std::ostream* out) {
  *out << size.width << "x" << size.height;
}

namespace {

struct Row {
  const char* ratio;
  PictureSize at_1k;
  PictureSize at_1_5k;
  PictureSize at_2k;
};

// xai-api.md 2.1; 1.5k worked out by hand.
const Row kTable[] = {
    {"1:1", {1024, 1024}, {1408, 1408}, {2048, 2048}},
    {"3:4", {864, 1152}, {1184, 1584}, {1776, 2368}},
    {"4:3", {1152, 864}, {1584, 1184}, {2368, 1776}},
    {"9:16", {720, 1280}, {992, 1760}, {1584, 2816}},
    {"16:9", {1280, 720}, {1760, 992}, {2816, 1584}},
    {"2:3", {832, 1248}, {1136, 1712}, {1664, 2496}},
    {"3:2", {1248, 832}, {1712, 1136}, {2496, 1664}},
    {"9:19.5", {576, 1248}, {784, 1712}, {1344, 2912}},
    {"19.5:9", {1248, 576}, {1712, 784}, {2912, 1344}},
    {"9:20", {576, 1280}, {784, 1760}, {1440, 3200}},
    {"20:9", {1280, 576}, {1760, 784}, {3200, 1440}},
    {"1:2", {704, 1408}, {960, 1936}, {1456, 2912}},
    {"2:1", {1408, 704}, {1936, 960}, {2912, 1456}},
    {"21:9", {1456, 624}, {2000, 864}, {3136, 1344}},
    {"5:2", {1600, 640}, {2192, 880}, {3200, 1280}},
    {"auto", {1024, 1024}, {1408, 1408}, {2048, 2048}},
};

class GeometryTable : public testing::TestWithParam<Row> {};

TEST_P(GeometryTable, GivesTheSizesOfTheWireTable) {
  const auto ratio = parse_aspect_ratio(GetParam().ratio);
  ASSERT_TRUE(ratio);
  EXPECT_EQ(picture_size(*ratio, Resolution::k1), GetParam().at_1k);
  EXPECT_EQ(picture_size(*ratio, Resolution::k1_5), GetParam().at_1_5k);
  EXPECT_EQ(picture_size(*ratio, Resolution::k2), GetParam().at_2k);
  EXPECT_EQ(to_string(*ratio), GetParam().ratio);
}

INSTANTIATE_TEST_SUITE_P(AllRatios, GeometryTable, testing::ValuesIn(kTable));

TEST(Geometry, ListsAllSixteenRatios) { EXPECT_EQ(all_aspect_ratios().size(), std::size(kTable)); }

TEST(Geometry, RefusesRatiosThatAreNotOnTheList) {
  for (const char* text : {"", "0:1", "1:0", "16:9 ", "99999:1", "16/9",
                           "16\xE2\x88\xB6"
                           "9",
                           "AUTO"}) {
    const auto ratio = parse_aspect_ratio(text);
    ASSERT_FALSE(ratio) << text;
    EXPECT_EQ(ratio.error().code, ErrorCode::unprocessable);
    EXPECT_EQ(ratio.error().field, "aspect_ratio");
  }
}

TEST(Geometry, NamesTheValueAndAllAllowedRatios) {
  EXPECT_EQ(parse_aspect_ratio("7:5").error().message,
            "unknown aspect_ratio \"7:5\", expected one of 1:1, 3:4, 4:3, 9:16, 16:9, 2:3, 3:2, "
            "9:19.5, 19.5:9, 9:20, 20:9, 1:2, 2:1, 21:9, 5:2, auto");
}

TEST(Geometry, ReadsResolutionsInAnyCase) {
  EXPECT_EQ(parse_resolution("1k"), Resolution::k1);
  EXPECT_EQ(parse_resolution("2K"), Resolution::k2);
  EXPECT_EQ(parse_resolution("1.5K"), Resolution::k1_5);
}

TEST(Geometry, RefusesResolutionsThatAreNotOnTheList) {
  for (const char* text : {"", "4k", "2048", "2", "2k "}) EXPECT_FALSE(parse_resolution(text));
  EXPECT_EQ(parse_resolution("4k").error().message,
            "unknown resolution \"4k\", expected one of 1k, 1.5k, 2k");
}

TEST(KeptSize, IsThePicturesOwnWithinTheResolution) {
  const auto size = [](int width, int height, Resolution resolution) {
    const PictureSize kept = kept_size(width, height, resolution);
    return std::pair(kept.width, kept.height);
  };
  EXPECT_EQ(size(1024, 1024, Resolution::k1), std::pair(1024, 1024));
  EXPECT_EQ(size(700, 500, Resolution::k2), std::pair(688, 496));
  EXPECT_EQ(size(4096, 1024, Resolution::k1), std::pair(2048, 512));
  EXPECT_EQ(size(4096, 1024, Resolution::k2), std::pair(4096, 1024));
}

}  // namespace
}  // namespace imagined::service
