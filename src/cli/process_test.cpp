#include "cli/process.h"

#include <gtest/gtest.h>

namespace imagined::cli {
namespace {

// What the server itself, those it serves and those it turns away may hold at the same time.
std::int64_t all_descriptors(std::int64_t limit, std::int64_t wanted) {
  const ConnectionRoom room = connections_within(limit, wanted);
  return kOwnDescriptors + room.served + 3 * room.by_grpc + room.turned_away;
}

TEST(ConnectionsWithin, LeaveDescriptorsForTheServerItself) {
  EXPECT_EQ(all_descriptors(96, 10'000), 96);
  EXPECT_EQ(all_descriptors(1'024, 10'000), 1'024);
  EXPECT_LT(all_descriptors(1'024, 10), 1'024);
}

TEST(ConnectionsWithin, ServesAllThatAreWantedWhereTheyFit) {
  EXPECT_EQ(connections_within(20'000, 10'000).served, 10'000);
  EXPECT_EQ(connections_within(descriptors_for(10'000), 10'000).served, 10'000);
  EXPECT_EQ(connections_within(96, 10'000).served, 26);
  EXPECT_EQ(connections_within(10, 10'000).served, 1);
}

TEST(ProcessEnvironment, HoldsWhatAChildWouldInherit) {
  ASSERT_EQ(setenv("IMAGINED_TEST_VARIABLE", "a=b", 1), 0);
  EXPECT_EQ(process_environment().at("IMAGINED_TEST_VARIABLE"), "a=b");
}

}  // namespace
}  // namespace imagined::cli
