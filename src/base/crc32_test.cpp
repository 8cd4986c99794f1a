#include "base/crc32.h"

#include <gtest/gtest.h>

namespace imagined {
namespace {

TEST(Crc32, MatchesTheCheckValueOfTheStandard) { EXPECT_EQ(crc32("123456789"), 0xCBF43926u); }

TEST(Crc32, OfNothingIsZero) { EXPECT_EQ(crc32(""), 0u); }

}  // namespace
}  // namespace imagined
