#include "config/moderation.h"

#include <gmock/gmock.h>

#include "base/folder_testing.h"

namespace imagined::config {
namespace {

using service::ModerationAction;
using testing::HasSubstr;

class ModerationFileTest : public testing::Test {
 protected:
  Result<service::ModerationPolicies> load(const std::string& text) {
    return load_moderation(folder_.write("policy.toml", text));
  }
  std::string message_of(const std::string& text) {
    const auto policies = load(text);
    EXPECT_FALSE(policies);
    return policies ? std::string() : policies.error().message;
  }

  const TestFolder folder_;
};

TEST_F(ModerationFileTest, ReadsEveryoneAndTeams) {
  const auto policies = load(R"(
harmless = ["barn owl"]
[categories.birds]
terms = ["owl"]
[categories.mix]
action = "flag"
together = [["hawk"], ["piano", "oboe"]]
[teams.studio]
logs_prompts = true
[teams.studio.categories.birds]
action = "allow"
)");
  ASSERT_TRUE(policies);
  const auto& everyone = policies->of("default");
  EXPECT_EQ(everyone.judge_words("an owl")->action, ModerationAction::block);
  EXPECT_EQ(everyone.judge_words("a barn owl")->action, ModerationAction::allow);
  EXPECT_EQ(everyone.judge_words("a hawk, an oboe")->action, ModerationAction::flag);
  EXPECT_FALSE(everyone.logs_prompts());
  EXPECT_EQ(policies->of("studio").judge_words("an owl")->action, ModerationAction::allow);
  EXPECT_TRUE(policies->of("studio").logs_prompts());
}

TEST_F(ModerationFileTest, WithoutAFileTheFloorStands) {
  const auto policies = load_moderation("");
  ASSERT_TRUE(policies);
  EXPECT_EQ(policies->of("any").judge_words("nude child")->action, ModerationAction::block);
  EXPECT_EQ(policies->of("any").judge_words("a red house")->action, ModerationAction::allow);
}

TEST_F(ModerationFileTest, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(message_of("\n\nharmless = 1"), HasSubstr("policy.toml:3: harmless"));
  EXPECT_THAT(message_of("colour = 1"), HasSubstr("policy.toml:1: colour: expected"));
  EXPECT_THAT(message_of("[categories.a]\naction = \"burn\""),
              HasSubstr("policy.toml:2: action: expected one of allow, flag, block"));
  EXPECT_THAT(message_of("[categories.a]\nterms = [\"x\", 1]"), HasSubstr("policy.toml:2: terms"));
  EXPECT_THAT(message_of("[categories.a]\nterms = [\"-\"]"), HasSubstr("is no term"));
  EXPECT_THAT(message_of("[categories.a]\nthreshold = 2"), HasSubstr("expected 0 to 1"));
  EXPECT_THAT(message_of("[categories.\"sexual/minors\"]\naction = \"flag\""),
              HasSubstr("whatever a policy says"));
  EXPECT_THAT(message_of("[teams.a.teams.b]"), HasSubstr("teams"));
  EXPECT_THAT(message_of("= 1"), HasSubstr("policy.toml:1:"));
  const auto missing = load_moderation("/nowhere/policy.toml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace imagined::config
