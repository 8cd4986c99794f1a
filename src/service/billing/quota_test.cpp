#include "service/billing/quota.h"

#include <gtest/gtest.h>

#include "base/timestamp.h"

namespace imagined::service {
namespace {

constexpr std::int64_t kLeapDayNoonMs = 1'709'208'000'000;  // 2024-02-29T12:00:00Z

TEST(Period, IsTheCalendarsDayInUtc) {
  const Period day = period_at(QuotaPeriod::day, kLeapDayNoonMs);
  EXPECT_EQ(day.name, "2024-02-29");
  EXPECT_EQ(to_timestamp(day.end_ms), "2024-03-01T00:00:00Z");
  EXPECT_EQ(period_at(QuotaPeriod::day, day.end_ms - 1).name, "2024-02-29");
  EXPECT_EQ(period_at(QuotaPeriod::day, day.end_ms).name, "2024-03-01");
}

TEST(Period, IsTheCalendarsMonthInUtc) {
  const Period month = period_at(QuotaPeriod::month, kLeapDayNoonMs);
  EXPECT_EQ(month.name, "2024-02");
  EXPECT_EQ(to_timestamp(month.end_ms), "2024-03-01T00:00:00Z");
  const Period december = period_at(QuotaPeriod::month, 1'703'980'800'000);  // 2023-12-31
  EXPECT_EQ(december.name, "2023-12");
  EXPECT_EQ(to_timestamp(december.end_ms), "2024-01-01T00:00:00Z");
}

TEST(CheckQuota, LetsThroughUpToTheLimitAndNotBeyond) {
  const Quota quota{.bucket = "team:red", .period = QuotaPeriod::month, .pictures = 10};
  EXPECT_TRUE(check_quota(quota, {.pictures = 7}, {.pictures = 3}, kLeapDayNoonMs));
  const auto refused = check_quota(quota, {.pictures = 7}, {.pictures = 4}, kLeapDayNoonMs);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry, Retry::no);
  EXPECT_EQ(refused.error().reason, ErrorReason::insufficient_quota);
  EXPECT_EQ(refused.error().message,
            "The monthly quota of pictures of your team is used up: 7 of 10 are made or being made "
            "and this request asks for 4. It begins anew at 2024-03-01T00:00:00Z.");
}

TEST(CheckQuota, WithoutLimitsLetsEverythingThrough) {
  EXPECT_TRUE(check_quota({.bucket = "key:k"}, {1'000'000, 1'000'000}, {10, 10}, 0));
}

}  // namespace
}  // namespace imagined::service
