#include "service/limits/hit_log.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace imagined::service {
namespace {

TEST(HitLog, AdmitsFiveInASecondAndTheSixthWhenTheFirstHasLeft) {
  HitLog log;
  const Window window{.limit = 5, .window_ms = 1000};
  for (const std::int64_t at_ms : {0, 100, 200, 300, 400}) {
    EXPECT_EQ(log.wait_ms(window, 1, at_ms), 0) << at_ms;
    log.add(at_ms, 1);
  }
  EXPECT_EQ(log.wait_ms(window, 1, 401), 599);
  EXPECT_EQ(log.wait_ms(window, 1, 999), 1);
  EXPECT_EQ(log.wait_ms(window, 1, 1000), 0);
}

TEST(HitLog, WaitsForAsManyHitsAsManyUnitsNeed) {
  HitLog log;
  const Window window{.limit = 10, .window_ms = 1000};
  log.add(0, 4);
  log.add(100, 5);
  EXPECT_EQ(log.wait_ms(window, 1, 200), 0);
  EXPECT_EQ(log.wait_ms(window, 2, 200), 800);  // the four must go
  EXPECT_EQ(log.wait_ms(window, 5, 200), 800);
  EXPECT_EQ(log.wait_ms(window, 6, 200), 900);  // the five too
  EXPECT_EQ(log.wait_ms(window, 10, 200), 900);
}

TEST(HitLog, NeverHasRoomForMoreThanTheLimit) {
  EXPECT_EQ(HitLog().wait_ms({.limit = 5, .window_ms = 1000}, 6, 0), std::nullopt);
}

TEST(HitLog, CountsTheSameAfterForgettingWhatHasLeft) {
  HitLog log;
  for (std::int64_t at_ms = 0; at_ms < 3000; at_ms += 100) log.add(at_ms, 2);
  const std::int64_t before = log.used(1000, 3000);
  log.forget(1000, 3000);
  EXPECT_EQ(log.used(1000, 3000), before);
  EXPECT_EQ(log.full_ms(1000, 3000), 900);
  log.forget(1000, 4000);
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(log.used(1000, 4000), 0);
  EXPECT_EQ(log.full_ms(1000, 4000), 0);
}

// The definition, word for word: at no time do more units lie in a window than its limit.
class Oracle {
 public:
  Oracle(std::vector<Window> windows) : windows_(std::move(windows)) {}

  bool admits(std::int64_t units, std::int64_t now_ms) const {
    for (const Window& window : windows_) {
      std::int64_t sum = units;
      for (const auto& [at_ms, drawn] : hits_)
        if (at_ms > now_ms - window.window_ms) sum += drawn;
      if (sum > window.limit) return false;
    }
    return true;
  }
  void add(std::int64_t units, std::int64_t now_ms) { hits_.emplace_back(now_ms, units); }

 private:
  std::vector<Window> windows_;
  std::vector<std::pair<std::int64_t, std::int64_t>> hits_;
};

std::int64_t uniform(std::mt19937& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution(low, high)(random);
}

// One random sequence of draws under two windows: the same decisions as the oracle's, the named
// waits right to the millisecond.
void compare_with_oracle(std::uint32_t seed) {
  std::mt19937 random(seed);
  const std::int64_t short_ms = uniform(random, 1, 40);
  const std::vector<Window> windows = {
      {.limit = uniform(random, 1, 5), .window_ms = short_ms},
      {.limit = uniform(random, 1, 12), .window_ms = short_ms * uniform(random, 1, 6)}};
  const std::int64_t gap_ms = uniform(random, 0, short_ms);
  HitLog log;
  Oracle oracle(windows);
  std::int64_t now_ms = 0;
  for (int i = 0; i < 24; ++i) {
    now_ms += uniform(random, 0, gap_ms);
    const std::int64_t units = uniform(random, 0, 3) == 0 ? uniform(random, 1, 6) : 1;
    std::optional<std::int64_t> wait_ms = 0;
    for (const Window& window : windows) {
      const auto wait = log.wait_ms(window, units, now_ms);
      wait_ms = wait && wait_ms ? std::optional(std::max(*wait, *wait_ms)) : std::nullopt;
    }
    const bool admitted = wait_ms == 0;
    ASSERT_EQ(admitted, oracle.admits(units, now_ms)) << "seed " << seed << ", draw " << i;
    if (wait_ms && *wait_ms > 0) {
      ASSERT_TRUE(oracle.admits(units, now_ms + *wait_ms)) << "seed " << seed << ", draw " << i;
      ASSERT_FALSE(oracle.admits(units, now_ms + *wait_ms - 1))
          << "seed " << seed << ", draw " << i;
    }
    if (!wait_ms) {
      ASSERT_FALSE(oracle.admits(units, now_ms + 1'000'000)) << "seed " << seed;
    }
    if (!admitted) continue;
    log.add(now_ms, units);
    oracle.add(units, now_ms);
    if (uniform(random, 0, 1) == 0) log.forget(windows[1].window_ms, now_ms);
  }
}

TEST(HitLog, DecidesAsTheDefinitionDoes) {
  for (std::uint32_t seed = 0; seed < 20'000 && !testing::Test::HasFailure(); ++seed)
    compare_with_oracle(seed);
}

// The full count: --gtest_also_run_disabled_tests --gtest_filter='HitLog.*Million*'
TEST(HitLog, DISABLED_DecidesAsTheDefinitionDoesOnAMillionSequences) {
  for (std::uint32_t seed = 0; seed < 1'000'000 && !testing::Test::HasFailure(); ++seed)
    compare_with_oracle(seed);
}

}  // namespace
}  // namespace imagined::service
