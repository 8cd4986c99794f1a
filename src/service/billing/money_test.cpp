#include "service/billing/money.h"

#include <gtest/gtest.h>

#include <limits>

namespace imagined::service {
namespace {

TEST(ParseUsd, ReadsDollarsExactly) {
  EXPECT_EQ(*parse_usd("0.02", "x"), 200'000'000);
  EXPECT_EQ(*parse_usd("1", "x"), 10'000'000'000);
  EXPECT_EQ(*parse_usd("0.0000000001", "x"), 1);
  EXPECT_EQ(*parse_usd("-0.5", "x"), -5'000'000'000);
  EXPECT_EQ(*parse_usd("10000000", "x"), 100'000'000'000'000'000);
}

TEST(ParseUsd, RefusesEverythingElseByName) {
  for (const char* text : {"", "-", ".", ".5", "1.", "1e2", "+1", " 1", "1 ", "0x1", "1,5", "--1",
                           "10000001", "99999999999999999999", "0.00000000001", "NaN"}) {
    const auto parsed = parse_usd(text, "usd_per_day");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().field, "usd_per_day");
  }
  EXPECT_EQ(parse_usd("1e2", "usd_per_day").error().message,
            "usd_per_day is \"1e2\", expected US dollars such as 0.02, at most 10000000, with at "
            "most 10 decimals");
}

TEST(FormatUsd, IsTheShortestTextWithCents) {
  EXPECT_EQ(format_usd(200'000'000), "0.02");
  EXPECT_EQ(format_usd(10'000'000'000), "1.00");
  EXPECT_EQ(format_usd(1), "0.0000000001");
  EXPECT_EQ(format_usd(-220'000'000), "-0.022");
  EXPECT_EQ(format_usd(std::numeric_limits<std::int64_t>::min()), "-922337203.6854775808");
}

TEST(Money, DiesRatherThanToOverflow) {
  EXPECT_DEATH(product_of(std::numeric_limits<std::int64_t>::max(), 2), "do not fit");
  EXPECT_DEATH(sum_of(std::numeric_limits<std::int64_t>::max(), 1), "do not fit");
}

}  // namespace
}  // namespace imagined::service
