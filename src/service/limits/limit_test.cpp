#include "service/limits/limit.h"

#include <gtest/gtest.h>

namespace imagined::service {
namespace {

const std::vector<LimitRule> kImageRules = {
    {.name = "rps", .window = {.limit = 5, .window_ms = 1'000}},
    {.name = "rpm", .window = {.limit = 300, .window_ms = 60'000}}};

Verdict decide_one(const HitLog& log, std::int64_t now_ms, std::int64_t units = 1) {
  const Draw draws[] = {{.bucket = "k", .rules = kImageRules, .units = units}};
  const HitLog* const logs[] = {&log};
  return decide(draws, logs, now_ms);
}

HitLog five_hits_at(std::int64_t at_ms) {
  HitLog log;
  log.add(at_ms, 5);
  return log;
}

TEST(Decide, AdmitsNothingOfSeveralDrawsWhenOneHasNoRoom) {
  const HitLog spent = five_hits_at(0);
  const HitLog fresh;
  const Draw draws[] = {{.bucket = "team", .rules = kImageRules},
                        {.bucket = "key", .rules = kImageRules}};
  const HitLog* const logs[] = {&fresh, &spent};
  const Verdict verdict = decide(draws, logs, 400);
  EXPECT_FALSE(verdict.admitted);
  EXPECT_EQ(verdict.wait_ms, 600);
  EXPECT_EQ(verdict.draw, 1u);
  EXPECT_EQ(verdict.standing, 2u);
  ASSERT_EQ(verdict.standings.size(), 4u);
  EXPECT_EQ(verdict.standings[0].used, 0);  // not drawn
  EXPECT_EQ(verdict.standings[2].used, 5);
}

TEST(Decide, CountsAnAdmittedDrawInTheStandings) {
  const Verdict verdict = decide_one(HitLog(), 0, 2);
  EXPECT_TRUE(verdict.admitted);
  EXPECT_EQ(verdict.standings[0].used, 2);
  EXPECT_EQ(verdict.standings[1].remaining(), 298);
  EXPECT_EQ(verdict.standings[1].full_ms, 60'000);
}

TEST(Decide, NamesTheRuleThatTakesLongest) {
  HitLog log;
  for (std::int64_t at_ms = 0; at_ms < 60'000; at_ms += 1'000) log.add(at_ms, 5);
  const Verdict verdict = decide_one(log, 59'500);  // both are spent: 500 ms and 500 ms
  EXPECT_FALSE(verdict.admitted);
  EXPECT_EQ(verdict.wait_ms, 500);
  const Verdict more = decide_one(log, 59'999, 5);
  EXPECT_EQ(more.wait_ms, 1);
}

TEST(Decide, KnowsWhatNeverFits) {
  const Verdict verdict = decide_one(HitLog(), 0, 6);
  EXPECT_FALSE(verdict.admitted);
  EXPECT_EQ(verdict.wait_ms, std::nullopt);
  EXPECT_EQ(limit_error(verdict, "this key").message,
            "Too much at once for this key: the limit is 5 Requests per Second.");
}

TEST(Decide, OnlyLooksWhenNothingIsDrawn) {
  const Verdict verdict = decide_one(five_hits_at(0), 400, 0);
  EXPECT_TRUE(verdict.admitted);
  EXPECT_EQ(verdict.standings[0].used, 5);
  EXPECT_EQ(verdict.standings[0].full_ms, 600);
}

TEST(LimitFigures, ShowTheMinuteWhileTheSecondHasRoom) {
  const LimitFigures figures = figures_of(decide_one(HitLog(), 0));
  EXPECT_EQ(figures.limit, 300);
  EXPECT_EQ(figures.remaining, 299);
  EXPECT_EQ(figures.reset_ms, 60'000);
  EXPECT_EQ(figures.rules.size(), 2u);
}

TEST(LimitFigures, ShowTheSecondOnceItIsSpent) {
  const LimitFigures figures = figures_of(decide_one(HitLog(), 0, 5));
  EXPECT_EQ(figures.limit, 5);
  EXPECT_EQ(figures.remaining, 0);
  EXPECT_EQ(figures.reset_ms, 1'000);
}

TEST(LimitFigures, ShowTheRuleThatRefused) {
  const LimitFigures figures = figures_of(decide_one(five_hits_at(0), 400));
  EXPECT_EQ(figures.limit, 5);
  EXPECT_EQ(figures.remaining, 0);
  EXPECT_EQ(figures.reset_ms, 600);
}

TEST(LimitFigures, AreNeverNegativeAfterALimitWasLowered) {
  HitLog log;
  log.add(0, 10);
  EXPECT_EQ(figures_of(decide_one(log, 10)).remaining, 0);
}

TEST(RetryAfter, IsInWholeSecondsRoundedUpAndAtMostAMinute) {
  EXPECT_EQ(retry_after_s(0), 1);
  EXPECT_EQ(retry_after_s(1), 1);
  EXPECT_EQ(retry_after_s(1'000), 1);
  EXPECT_EQ(retry_after_s(1'001), 2);
  EXPECT_EQ(retry_after_s(60'000), 60);
  EXPECT_EQ(retry_after_s(3'600'000), 60);
}

TEST(LimitError, SaysTheRuleItsFiguresAndWhenToComeBack) {
  const Error error = limit_error(decide_one(five_hits_at(0), 400), "this key and model m");
  EXPECT_EQ(error.code, ErrorCode::resource_exhausted);
  EXPECT_EQ(error.retry_after_ms, 600);
  EXPECT_EQ(error.message,
            "Too many requests for this key and model m. The rate limit is - Requests per Second "
            "(actual/limit): 5/5. Try again in 1 s.");
}

// A client that goes by the headers alone: it sends whenever `remaining` is above zero and else
// waits for the reset. It is never refused.
TEST(LimitFigures, KeepAClientThatObeysThemOutOfTheLimit) {
  HitLog log;
  std::int64_t now_ms = 0;
  int refused = 0;
  for (int i = 0; i < 5'000; ++i) {
    const Verdict verdict = decide_one(log, now_ms);
    if (!verdict.admitted) ++refused;
    if (verdict.admitted) log.add(now_ms, 1);
    log.forget(60'000, now_ms);
    const LimitFigures figures = figures_of(verdict);
    now_ms += figures.remaining > 0 ? i % 7 : figures.reset_ms;
  }
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace imagined::service
