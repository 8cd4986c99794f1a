#include "service/jobs/queue_pace.h"

#include <gtest/gtest.h>

namespace imagined::service {
namespace {

QueuePace pace_of(std::vector<QueuePace::Made> made) {
  QueuePace pace;
  pace.measure(std::move(made));
  return pace;
}

TEST(QueuePace, KnowsNothingBeforeSomethingWasMade) {
  EXPECT_EQ(pace_of({}).run_ms, 0);
  EXPECT_EQ(pace_of({}).per_minute, 0);
}

TEST(QueuePace, LeavesPausesOut) {
  const QueuePace pace = pace_of({{60'000, 70'000}, {0, 10'000}});
  EXPECT_EQ(pace.run_ms, 10'000);
  EXPECT_EQ(pace.per_minute, 6);
}

TEST(QueuePace, CountsWhatIsMadeAtTheSameTime) {
  const QueuePace two_workers = pace_of({{0, 10'000}, {5'000, 15'000}, {0, 10'000}});
  EXPECT_EQ(two_workers.run_ms, 10'000);
  EXPECT_EQ(two_workers.per_minute, 12);
}

TEST(QueuePace, IsNotDividedByNothing) { EXPECT_EQ(pace_of({{5, 5}}).per_minute, 60'000); }

}  // namespace
}  // namespace imagined::service
