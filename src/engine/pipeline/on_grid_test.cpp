#include "engine/pipeline/on_grid.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace imagined::engine {
namespace {

/// Red tells the column, green the row.
image::Picture chart(int width, int height, int channels = 3) {
  image::Picture picture{.width = width, .height = height, .channels = channels};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        picture.pixels.push_back(static_cast<std::uint8_t>(c == 0 ? x : c == 1 ? y : 0));
  return picture;
}

struct Place {
  int column = 0;
  int row = 0;
  bool operator==(const Place&) const = default;
};

Place shown_at(const image::Picture& grid, int x, int y) {
  const auto at = 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(grid.width) +
                       static_cast<std::size_t>(x));
  return {grid.pixels[at], grid.pixels[at + 1]};
}

PicturePlan plan_of(int width, int height, std::int64_t side) {
  const auto plan = plan_picture(width, height, {.pixels_per_token = side});
  CHECK(plan.has_value(), "{}", plan.error().message);
  return *plan;
}

class OnGrid : public testing::Test {
 protected:
  Context context_{ContextOptions{.threads = 1}};
};

TEST_F(OnGrid, OfTheRightSizeIsShownAsItIs) {
  const image::Picture grid =
      lay_on_grid(context_, chart(100, 80).view(), plan_of(100, 80, 64), 64);
  ASSERT_EQ(grid.width, 128);
  ASSERT_EQ(grid.height, 128);
  // Cut around the centre: 14 columns and 24 rows on either side are not shown.
  for (int y = 0; y < 80; ++y)
    for (int x = 0; x < 100; ++x)
      ASSERT_EQ(shown_at(grid, 14 + x, 24 + y), (Place{.column = x, .row = y}));
}

TEST_F(OnGrid, GoesOnBeyondWhatIsShown) {
  const image::Picture grid =
      lay_on_grid(context_, chart(100, 80).view(), plan_of(100, 80, 64), 64);
  EXPECT_EQ(shown_at(grid, 0, 0), (Place{.column = 0, .row = 0}));
  EXPECT_EQ(shown_at(grid, 127, 127), (Place{.column = 99, .row = 79}));
  EXPECT_EQ(shown_at(grid, 50, 0), (Place{.column = 36, .row = 0}));
}

TEST_F(OnGrid, OfAnotherShapeShowsItsMiddle) {
  // 200 x 64 for 64 x 64: as high as it should be, so 68 columns are cut on either side.
  const image::Picture grid =
      lay_on_grid(context_, chart(200, 64, 4).view(), plan_of(64, 64, 32), 32);
  ASSERT_EQ(grid.width, 64);
  EXPECT_EQ(shown_at(grid, 0, 0), (Place{.column = 68, .row = 0}));
  EXPECT_EQ(shown_at(grid, 63, 63), (Place{.column = 131, .row = 63}));
}

TEST_F(OnGrid, OfAnotherSizeIsScaled) {
  const image::Picture grid =
      lay_on_grid(context_, chart(128, 128).view(), plan_of(64, 64, 32), 32);
  ASSERT_EQ(grid.pixels.size(), 64u * 64u * 3u);
  EXPECT_NEAR(shown_at(grid, 32, 32).column, 64, 1);
  EXPECT_NEAR(shown_at(grid, 10, 50).row, 100, 1);
}

}  // namespace
}  // namespace imagined::engine
