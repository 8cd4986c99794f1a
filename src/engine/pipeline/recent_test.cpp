#include "engine/pipeline/recent.h"

#include <gtest/gtest.h>

#include <string>

namespace imagined::engine {
namespace {

TEST(Recent, ForgetsTheEntryNotAskedForTheLongest) {
  Recent<int, std::string> recent(2);
  recent.add(1, "one");
  recent.add(2, "two");
  ASSERT_NE(recent.find(1), nullptr);
  recent.add(3, "three");
  EXPECT_NE(recent.find(1), nullptr);
  EXPECT_EQ(recent.find(2), nullptr);
  EXPECT_NE(recent.find(3), nullptr);
}

TEST(Recent, KeepsAValueAliveForWhoHoldsIt) {
  Recent<int, std::string> recent(1);
  const auto held = recent.add(1, "one");
  recent.add(2, "two");
  EXPECT_EQ(*held, "one");
}

}  // namespace
}  // namespace imagined::engine
