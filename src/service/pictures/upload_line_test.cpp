#include "service/pictures/upload_line.h"

#include <gtest/gtest.h>

namespace imagined::service {
namespace {

class UploadLineTest : public ::testing::Test {
 protected:
  std::unique_ptr<UploadLine::Place> enter(const std::string& team, int* told = nullptr) {
    return line_.enter({.team_id = team, .key_id = "any"}, [told] {
      if (told != nullptr) ++*told;
    });
  }

  UploadLine line_{2};
};

TEST_F(UploadLineTest, LetsSoManyOfATeamSendAtATime) {
  const auto first = enter("red");
  const auto second = enter("red");
  const auto third = enter("red");
  EXPECT_TRUE(first->has_turn());
  EXPECT_TRUE(second->has_turn());
  EXPECT_FALSE(third->has_turn());
}

TEST_F(UploadLineTest, HoldsUpNoOtherTeam) {
  const auto first = enter("red");
  const auto second = enter("red");
  const auto third = enter("red");
  EXPECT_TRUE(enter("blue")->has_turn());
  EXPECT_TRUE(
      line_.enter({.org_id = "other", .team_id = "red", .key_id = "any"}, [] {})->has_turn());
}

TEST_F(UploadLineTest, GivesATurnToWhoHasWaitedLongest) {
  int told_third = 0, told_fourth = 0;
  auto first = enter("red");
  auto second = enter("red");
  const auto third = enter("red", &told_third);
  const auto fourth = enter("red", &told_fourth);
  second.reset();
  EXPECT_TRUE(third->has_turn());
  EXPECT_EQ(told_third, 1);
  EXPECT_FALSE(fourth->has_turn());
  first.reset();
  EXPECT_TRUE(fourth->has_turn());
  EXPECT_EQ(told_fourth, 1);
  EXPECT_EQ(told_third, 1);
}

TEST_F(UploadLineTest, ForgetsWhoLeavesBeforeTheTurnHasCome) {
  int told = 0;
  auto first = enter("red");
  const auto second = enter("red");
  auto third = enter("red");
  const auto fourth = enter("red", &told);
  third.reset();
  EXPECT_FALSE(fourth->has_turn());
  EXPECT_EQ(told, 0);
  first.reset();
  EXPECT_TRUE(fourth->has_turn());
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace imagined::service
