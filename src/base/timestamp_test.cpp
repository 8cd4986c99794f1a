#include "base/timestamp.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace imagined {
namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

TEST(Timestamp, IsInUtcToTheSecond) {
  EXPECT_EQ(to_timestamp(kNowMs + 999), "2023-11-14T22:13:20Z");
  EXPECT_EQ(to_timestamp(0), "1970-01-01T00:00:00Z");
}

TEST(ParseWhen, ReadsTimes) {
  for (const char* text : {"2023-11-14T22:13:20Z", "2023-11-14 22:13:20Z", "2023-11-14t22:13:20.5z",
                           "2023-11-14T23:13:20+01:00", "2023-11-14T16:43:20-05:30"})
    EXPECT_EQ(*parse_when(text, 0, "expires"), kNowMs) << text;
  EXPECT_EQ(to_timestamp(*parse_when("2024-02-29", 0, "expires")), "2024-02-29T00:00:00Z");
  EXPECT_EQ(to_timestamp(*parse_when("2024-02-29T10:15Z", 0, "expires")), "2024-02-29T10:15:00Z");
}

TEST(ParseWhen, ReadsSpansFromNowOn) {
  EXPECT_EQ(*parse_when("10s", kNowMs, "expires"), kNowMs + 10'000);
  EXPECT_EQ(*parse_when("5m", kNowMs, "expires"), kNowMs + 300'000);
  EXPECT_EQ(*parse_when("2h", kNowMs, "expires"), kNowMs + 7'200'000);
  EXPECT_EQ(*parse_when("30d", kNowMs, "expires"), kNowMs + 2'592'000'000);
  EXPECT_EQ(*parse_when("0s", kNowMs, "expires"), kNowMs);
}

TEST(ParseWhen, RefusesEverythingElseByName) {
  for (const char* text : {"", "s", "10", "10w", "-5s", "1.5h", "99999999999999999999s", "9999999d",
                           "tomorrow", "2023-02-29", "2023-13-01", "2023-11-14T24:00Z",
                           "2023-11-14T22:13:20", "2023-11-14T22:13:60Z", "2023-11-14T22:13:20Zx",
                           "2023-11-14T", "1969-12-31", "2023-11-14T22:13:20.Z", "2023-1-1"}) {
    const auto parsed = parse_when(text, kNowMs, "expires");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().field, "expires");
  }
}

TEST(Period, IsOfTimesAndNotOfSpans) {
  const auto period = parse_period("2024-02-29", "2024-02-29T00:00:01Z");
  ASSERT_TRUE(period);
  EXPECT_EQ(to_timestamp(period->from_ms), "2024-02-29T00:00:00Z");
  EXPECT_EQ(period->until_ms - period->from_ms, 1000);
  for (const char* text : {"5m", "x"}) {
    const auto refused = parse_period(text, "");
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().field, "from");
    EXPECT_EQ(refused.error().message.find("span"), std::string::npos);
    EXPECT_EQ(parse_period("", text).error().field, "until");
  }
}

TEST(Period, HasNoEndWhereNoneIsSaid) {
  EXPECT_EQ(parse_period("", "")->from_ms, 0);
  EXPECT_EQ(parse_period("2024-02-29", "")->until_ms, INT64_MAX);
  EXPECT_EQ(parse_period("", "2024-02-29")->from_ms, 0);
}

TEST(Period, DoesNotEndBeforeItBegins) {
  for (const char* until : {"2024-02-28", "2024-02-29"})
    EXPECT_EQ(
        parse_period("2024-02-29", until).error().message,
        fmt::format("until is \"{}\", expected a time after 2024-02-29, where the period begins",
                    until));
}

TEST(Span, IsNoTime) {
  EXPECT_EQ(*parse_span("2h", "overlap"), 7'200'000);
  EXPECT_EQ(parse_span("2024-02-29", "overlap").error().message,
            "overlap is \"2024-02-29\", expected a span such as 10s, 5m, 2h or 30d");
}

}  // namespace
}  // namespace imagined
