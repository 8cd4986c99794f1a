#include "api/wire/limit_headers.h"

#include <gtest/gtest.h>

#include <map>

namespace imagined::api::wire {
namespace {

using service::LimitFigures;

std::map<std::string_view, std::string> headers(const LimitFigures& figures) {
  std::map<std::string_view, std::string> all;
  for (const LimitHeader& each : limit_headers(figures, 1'700'000'000'250))
    all[each.name] = each.value;
  return all;
}

LimitFigures some_figures() {
  return {.limit = 300,
          .remaining = 299,
          .reset_ms = 60'000,
          .rules = {{.rule = {"rps", {5, 1'000}}, .used = 1, .full_ms = 1'000},
                    {.rule = {"rpm", {300, 60'000}}, .used = 1, .full_ms = 59'001}}};
}

TEST(LimitHeaders, SpeakToAllClients) {
  const auto all = headers(some_figures());
  EXPECT_EQ(all.at("x-ratelimit-limit"), "300");
  EXPECT_EQ(all.at("x-ratelimit-remaining"), "299");
  EXPECT_EQ(all.at("x-ratelimit-reset"), "1700000061");
  EXPECT_EQ(all.at("x-ratelimit-limit-requests"), "300");
  EXPECT_EQ(all.at("x-ratelimit-remaining-requests"), "299");
  EXPECT_EQ(all.at("x-ratelimit-reset-requests"), "1m0s");
  EXPECT_EQ(all.at("ratelimit-policy"), "\"rps\";q=5;w=1, \"rpm\";q=300;w=60");
  EXPECT_EQ(all.at("ratelimit"), "\"rps\";r=4;t=1, \"rpm\";r=299;t=60");
}

TEST(LimitHeaders, WriteDurationsAsOpenAiDoes) {
  LimitFigures figures = some_figures();
  const std::pair<std::int64_t, const char*> cases[] = {
      {0, "0s"}, {1, "1ms"}, {999, "999ms"}, {1'000, "1s"}, {1'500, "1.5s"}, {90'020, "1m30.02s"}};
  for (const auto& [ms, text] : cases) {
    figures.reset_ms = ms;
    EXPECT_EQ(headers(figures).at("x-ratelimit-reset-requests"), text);
  }
}

TEST(LimitHeaders, AreNoneWithoutALimit) { EXPECT_TRUE(limit_headers(LimitFigures(), 0).empty()); }

TEST(LimitHeaders, AreNeverNegativeAfterALimitWasLowered) {
  LimitFigures figures = some_figures();
  figures.rules[0].used = 9;
  EXPECT_TRUE(headers(figures).at("ratelimit").starts_with("\"rps\";r=0;"));
}

}  // namespace
}  // namespace imagined::api::wire
