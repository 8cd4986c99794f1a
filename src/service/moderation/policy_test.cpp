#include "service/moderation/policy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "service/moderation/built_in.h"
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

TEST(ModerationPolicy, WithoutRulesSexualContentAboutRealPeopleIsBlocked) {
  const auto judge = [](const ModerationRules& rules, std::string_view text) {
    return *policies_of(rules).of("any").judge_words(text);
  };
  for (const char* text :
       {"a nude photo of a celebrity", "a naked movie star", "my ex girlfriend, topless",
        "deepfake porn of a politician", "n u d e pop stars", "remove her clothes", "nudify this",
        "a sexy picture of my classmate without her consent"}) {
    const auto verdict = judge({}, text);
    EXPECT_EQ(verdict.action, Action::block) << text;
    EXPECT_EQ(verdict.category, kRealPeopleCategory) << text;
    EXPECT_FALSE(verdict.is_floor);
    const std::string category(kRealPeopleCategory);
    EXPECT_EQ(judge({.categories = {{category, {.action = Action::flag}}}}, text).action,
              Action::flag)
        << text;
  }
  for (const char* text :
       {"a celebrity at a gala", "a portrait of my wife at the beach", "nude figure, oil on canvas",
        "a president gives a speech", "a movie star in a red dress", "the naked eye sees the stars",
        "my friend takes off her hat", "a rock star on a stage"})
    EXPECT_EQ(judge({}, text).action, Action::allow) << text;
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
