#include "service/moderation/policy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "service/moderation/floor.h"

namespace imagined::service {
namespace {

using Action = ModerationAction;

const ModerationRules kBirds = {.categories = {{"birds", {.action = Action::flag}}},
                                .words = {{.category = "birds", .one_of_each = {{"owl"}}},
                                          {.category = "music", .one_of_each = {{"piano"}}}}};

ModerationPolicies policies_of(const ModerationRules& everyone, const ModerationRules& team = {}) {
  return *ModerationPolicies::make(everyone, {{"studio", team}});
}

TEST(ModerationPolicy, NothingFoundIsAllowed) {
  const auto verdict = policies_of(kBirds).of("any").judge_words("a red house");
  EXPECT_EQ(verdict->action, Action::allow);
  EXPECT_EQ(verdict->category, "");
}

TEST(ModerationPolicy, ACategoryWithoutAnActionIsBlocked) {
  const auto verdict = policies_of(kBirds).of("any").judge_words("a piano");
  EXPECT_EQ(verdict->action, Action::block);
  EXPECT_EQ(verdict->category, "music");
  EXPECT_EQ(verdict->stage, ModerationStage::words);
  EXPECT_FALSE(verdict->is_floor);
}

TEST(ModerationPolicy, TheStrongestVerdictCounts) {
  EXPECT_EQ(policies_of(kBirds).of("any").judge_words("an owl")->action, Action::flag);
  EXPECT_EQ(policies_of(kBirds).of("any").judge_words("an owl on a piano")->category, "music");
}

TEST(ModerationPolicy, ATeamHasItsOwnActionsAndWordsOnTop) {
  const auto policies =
      policies_of(kBirds, {.categories = {{"music", {.action = Action::allow}}},
                           .words = {{.category = "fruit", .one_of_each = {{"quince"}}}}});
  EXPECT_EQ(policies.of("studio").judge_words("a piano")->action, Action::allow);
  EXPECT_EQ(policies.of("studio").judge_words("an owl")->action, Action::flag);
  EXPECT_EQ(policies.of("studio").judge_words("a quince")->action, Action::block);
  EXPECT_EQ(policies.of("any").judge_words("a piano")->action, Action::block);
  EXPECT_EQ(policies.of("any").judge_words("a quince")->action, Action::allow);
}

TEST(ModerationPolicy, TheClassifierDecidesWhereNoThresholdStands) {
  const auto policies = policies_of(
      {.categories = {{"violence", {.threshold = 0.8}}, {"hate", {.action = Action::allow}}}});
  const ModerationPolicy& policy = policies.of("any");
  const auto judge = [&](std::string category, double score, bool flagged) {
    const CategoryScore scores[] = {{std::move(category), score, flagged}};
    return policy.judge_scores(scores).action;
  };
  EXPECT_EQ(judge("sexual", 0.3, true), Action::block);
  EXPECT_EQ(judge("sexual", 0.9, false), Action::allow);
  EXPECT_EQ(judge("violence", 0.79, true), Action::allow);
  EXPECT_EQ(judge("violence", 0.8, false), Action::block);
  EXPECT_EQ(judge("hate", 1, true), Action::allow);
}

TEST(ModerationPolicy, NoPolicyLowersTheFloor) {
  for (const Action action : {Action::allow, Action::flag}) {
    const auto policies = ModerationPolicies::make(
        {}, {{"studio", {.categories = {{std::string(kFloorCategory), {.action = action}}}}}});
    ASSERT_FALSE(policies);
    EXPECT_EQ(policies.error().field, kFloorCategory);
  }
  const auto policies =
      policies_of({.categories = {{std::string(kFloorCategory), {.threshold = 0.9}}}});
  const CategoryScore scores[] = {{"sexual", 1, true}, {std::string(kFloorCategory), 0.2, true}};
  const auto verdict = policies.of("any").judge_scores(scores);
  EXPECT_EQ(verdict.action, Action::block);
  EXPECT_TRUE(verdict.is_floor);
}

TEST(ModerationPolicy, TheFloorNeedsBothKindsOfWords) {
  const auto policies = policies_of({.harmless = {"child", "naked"}});
  const auto judge = [&](std::string_view text) {
    return policies.of("any").judge_words(text)->is_floor;
  };
  EXPECT_TRUE(judge("a naked child"));
  EXPECT_TRUE(judge("a 12 year old, nude"));
  EXPECT_TRUE(judge("n4ked k i d s"));
  EXPECT_FALSE(judge("a child with a kite"));
  EXPECT_FALSE(judge("a nude by Rodin"));
  EXPECT_FALSE(judge("a nude man of 42 years, 42 years old"));
  EXPECT_FALSE(judge("nude, an 81 year old woman"));
}

TEST(ModerationPolicy, RefusesAThresholdThatIsNoProbability) {
  for (const double threshold : {-0.1, 1.1, std::nan("")}) {
    const auto policies =
        ModerationPolicies::make({.categories = {{"hate", {.threshold = threshold}}}}, {});
    ASSERT_FALSE(policies);
    EXPECT_EQ(policies.error().field, "hate");
  }
}

TEST(ModerationPolicy, TheVersionChangesWithWhatIsJudged) {
  const auto policies = policies_of(kBirds, {.logs_prompts = true});
  EXPECT_EQ(policies.of("studio").version(), policies.of("any").version());
  EXPECT_NE(policies_of(kBirds, {.harmless = {"barn owl"}}).of("studio").version(),
            policies.of("any").version());
  EXPECT_NE(policies_of(kBirds, {.categories = {{"birds", {.action = Action::block}}}})
                .of("studio")
                .version(),
            policies.of("any").version());
  EXPECT_NE(
      policies_of(kBirds, {.categories = {{"hate", {.threshold = 0.5}}}}).of("studio").version(),
      policies.of("any").version());
}

}  // namespace
}  // namespace imagined::service
