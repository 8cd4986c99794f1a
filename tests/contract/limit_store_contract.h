// What every LimitStore promises.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "service/ports/limit_store.h"

namespace imagined::service {

struct LimitStoreUnderTest {
  std::shared_ptr<ManualClock> clock;
  std::shared_ptr<void> keeper;
  std::unique_ptr<LimitStore> store;
};

using MakeLimitStore = std::function<LimitStoreUnderTest()>;

class LimitStoreContract : public testing::TestWithParam<MakeLimitStore> {
 protected:
  LimitStoreContract()
      : under_test_(GetParam()()), clock_(*under_test_.clock), store_(*under_test_.store) {}

  static Draw draw(std::string bucket, std::int64_t units = 1) {
    return {.bucket = std::move(bucket),
            .rules = {{.name = "rps", .window = {.limit = 5, .window_ms = 1'000}},
                      {.name = "rpm", .window = {.limit = 30, .window_ms = 60'000}}},
            .units = units};
  }
  Verdict take(std::vector<Draw> draws) { return *store_.take(draws); }

  LimitStoreUnderTest under_test_;
  ManualClock& clock_;
  LimitStore& store_;
};

TEST_P(LimitStoreContract, AdmitsUpToTheLimitAndSaysExactlyWhenTheNextMayCome) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(take({draw("a")}).admitted) << i;
    clock_.advance_ms(100);
  }
  const Verdict refused = take({draw("a")});
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.wait_ms, 500);
  clock_.advance_ms(499);
  EXPECT_FALSE(take({draw("a")}).admitted);
  clock_.advance_ms(1);
  EXPECT_TRUE(take({draw("a")}).admitted);
}

TEST_P(LimitStoreContract, DoesNotCountWhatItRefused) {
  EXPECT_TRUE(take({draw("a", 5)}).admitted);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(take({draw("a")}).admitted);
  clock_.advance_ms(1'000);
  EXPECT_EQ(take({draw("a")}).standings[1].used, 6);
}

TEST_P(LimitStoreContract, DrawsNothingFromAnyBucketWhenOneRefuses) {
  EXPECT_TRUE(take({draw("spent", 5)}).admitted);
  EXPECT_FALSE(take({draw("fresh", 3), draw("spent")}).admitted);
  const Verdict look = take({draw("fresh", 0)});
  EXPECT_EQ(look.standings[0].used, 0);
}

TEST_P(LimitStoreContract, KeepsBucketsApart) {
  EXPECT_TRUE(take({draw("a", 5)}).admitted);
  for (const char* other : {"A", "a ", "", "b", "a%", "'; DROP TABLE limit_hits; --"})
    EXPECT_TRUE(take({draw(other, 5)}).admitted) << other;
  EXPECT_FALSE(take({draw("a")}).admitted);
}

TEST_P(LimitStoreContract, TakesANewLimitAtOnce) {
  EXPECT_TRUE(take({draw("a", 5)}).admitted);
  Draw raised = draw("a", 5);
  raised.rules[0].window.limit = 10;
  EXPECT_TRUE(take({raised}).admitted);
  EXPECT_FALSE(take({draw("a")}).admitted);
}

TEST_P(LimitStoreContract, NeverAdmitsMoreUnitsAtOnceThanALimit) {
  const Verdict verdict = take({draw("a", 6)});
  EXPECT_FALSE(verdict.admitted);
  EXPECT_EQ(verdict.wait_ms, std::nullopt);
}

TEST_P(LimitStoreContract, AdmitsNoMoreThanTheLimitToThreadsAtOnce) {
  std::atomic<int> admitted = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 10; ++j) {
          const Draw draws[] = {draw("a"), draw("team")};
          if (store_.take(draws)->admitted) ++admitted;
        }
      });
    }
  }
  EXPECT_EQ(admitted, 5);
}

// Draws over two buckets at random times, against the definition counted by hand.
TEST_P(LimitStoreContract, DecidesRandomSequencesAsTheDefinitionDoes) {
  using Hits = std::vector<std::pair<std::int64_t, std::int64_t>>;
  const auto has_room = [this](const Hits& hits, const Draw& wanted) {
    for (const LimitRule& rule : wanted.rules) {
      std::int64_t sum = wanted.units;
      for (const auto& [at_ms, units] : hits)
        if (at_ms > clock_.monotonic_ms() - rule.window.window_ms) sum += units;
      if (sum > rule.window.limit) return false;
    }
    return true;
  };
  std::mt19937 random(7);
  for (int sequence = 0; sequence < 20; ++sequence) {
    const std::string team = "team" + std::to_string(sequence);
    const std::string key = "key" + std::to_string(sequence);
    Hits of_team;
    Hits of_key;
    for (int i = 0; i < 40; ++i) {
      clock_.advance_ms(std::uniform_int_distribution(0, 400)(random));
      Draw wide = draw(team, std::uniform_int_distribution(1, 2)(random));
      wide.rules = {{.name = "ppm", .window = {.limit = 9, .window_ms = 3'000}}};
      const Draw narrow = draw(key);
      const bool expected = has_room(of_team, wide) && has_room(of_key, narrow);
      ASSERT_EQ(take({wide, narrow}).admitted, expected) << sequence << ", " << i;
      if (!expected) continue;
      of_team.emplace_back(clock_.monotonic_ms(), wide.units);
      of_key.emplace_back(clock_.monotonic_ms(), narrow.units);
    }
  }
}

}  // namespace imagined::service
