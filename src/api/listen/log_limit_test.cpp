#include "api/listen/log_limit.h"

#include <gtest/gtest.h>

namespace imagined::api {
namespace {

using std::chrono::seconds;

TEST(LogLimit, SaysTheFirstTimeAtOnceAndThenHowOften) {
  LogLimit limit(seconds(10));
  const LogLimit::TimePoint begin{};
  EXPECT_EQ(limit.happened(begin), 1);
  EXPECT_EQ(limit.happened(begin + seconds(1)), std::nullopt);
  EXPECT_EQ(limit.happened(begin + seconds(9)), std::nullopt);
  EXPECT_EQ(limit.happened(begin + seconds(10)), 3);
  EXPECT_EQ(limit.happened(begin + seconds(100)), 1);
}

}  // namespace
}  // namespace imagined::api
