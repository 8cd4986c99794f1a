#include "cli/process.h"

#include <gtest/gtest.h>

namespace imagined::cli {
namespace {

TEST(ConnectionsWithin, LeaveDescriptorsForTheServerItself) {
  EXPECT_EQ(connections_within(1'024, 10'000), 960);
  EXPECT_EQ(connections_within(20'000, 10'000), 10'000);
  EXPECT_EQ(connections_within(10, 10'000), 1);
}

TEST(ProcessEnvironment, HoldsWhatAChildWouldInherit) {
  ASSERT_EQ(setenv("IMAGINED_TEST_VARIABLE", "a=b", 1), 0);
  EXPECT_EQ(process_environment().at("IMAGINED_TEST_VARIABLE"), "a=b");
}

}  // namespace
}  // namespace imagined::cli
