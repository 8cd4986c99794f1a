#include "service/pictures/picture_request.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace imagined::service {
namespace {

TEST(PictureCount, AcceptsOneToTen) {
  for (int count = 1; count <= 10; ++count) EXPECT_EQ(check_picture_count(count), count);
}

TEST(PictureCount, RefusesEverythingElseNamingFieldAndValue) {
  for (const std::int64_t count :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{11}, (std::int64_t{1} << 32) + 1,
        std::numeric_limits<std::int64_t>::min()}) {
    const auto checked = check_picture_count(count);
    ASSERT_FALSE(checked) << count;
    EXPECT_EQ(checked.error().field, "n");
  }
  EXPECT_EQ(check_picture_count(11).error().message, "n is 11, expected 1 to 10");
}

TEST(User, MayHaveFiveHundredAndTwelveBytes) {
  EXPECT_TRUE(check_user(std::string(512, 'u')));
  EXPECT_EQ(check_user(std::string(513, 'u')).error().field, "user");
}

TEST(User, MayNotHoldANul) { EXPECT_FALSE(check_user(std::string_view("a\0b", 3))); }

}  // namespace
}  // namespace imagined::service
