#include "service/moderation/moderator.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "service/moderation/floor.h"
#include "storage/memory/memory_ledger_store.h"

namespace imagined::service {
namespace {

class FakeClassifier final : public ContentClassifier {
 public:
  std::optional<Error> error;
  std::vector<CategoryScore> scores;
  int calls = 0;

  Result<std::vector<CategoryScore>> classify(std::string_view) override {
    ++calls;
    if (error) return tl::unexpected(*error);
    return scores;
  }
  Result<std::vector<CategoryScore>> classify(const PictureToJudge& picture) override {
    ++pictures;
    if (error) return tl::unexpected(*error);
    EXPECT_EQ(picture.format, image::Format::webp);
    return of_pictures;
  }
  std::vector<CategoryScore> of_pictures;
  int pictures = 0;
};

class ModeratorTest : public testing::Test {
 protected:
  Moderator moderator(ModeratorOptions options = {}) {
    return Moderator(
        {.policies = policies_, .classifier = &classifier_, .ledger = ledger_, .clock = clock_},
        options);
  }
  /// Each charge is another one.
  Charge charge() {
    return {.id = "c" + std::to_string(++charges_),
            .owner = {.team_id = "red", .key_id = "k"},
            .model = "m",
            .bill = {.per_picture_usd_ticks = 7},
            .pictures = 2,
            .created_ms = clock_.unix_ms()};
  }
  ErrorReason reason_of(const Result<void>& checked) {
    return checked ? ErrorReason::none : checked.error().reason;
  }
  std::size_t lines() { return ledger_.usage({})->size(); }

  ManualClock clock_;
  storage::MemoryLedgerStore ledger_{clock_};
  FakeClassifier classifier_;
  ModerationPolicies policies_ =
      *ModerationPolicies::make({.categories = {{"music", {.action = ModerationAction::flag}}},
                                 .words = {{.category = "birds", .one_of_each = {{"owl"}}},
                                           {.category = "music", .one_of_each = {{"piano"}}}}},
                                {});
  int charges_ = 0;
};

TEST_F(ModeratorTest, RefusesByWordsWithoutAskingTheClassifier) {
  Moderator door = moderator();
  const auto checked = door.check("an owl", charge());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(checked.error().reason, ErrorReason::content_moderated);
  EXPECT_EQ(checked.error().message, "The prompt was rejected by content moderation (birds).");
  EXPECT_EQ(classifier_.calls, 0);
}

TEST_F(ModeratorTest, WritesARefusalIntoTheBooksAndNothingElse) {
  Moderator door = moderator();
  EXPECT_TRUE(door.check("a red house", charge()));
  EXPECT_TRUE(door.check("a piano", charge()));
  EXPECT_EQ(lines(), 0u);
  EXPECT_FALSE(door.check("an owl", charge()));
  ASSERT_EQ(lines(), 1u);
  const UsageRow row = ledger_.usage({})->front();
  EXPECT_EQ(row.outcome, Outcome::prompt_blocked);
  EXPECT_EQ(row.usd_ticks, 0);
  EXPECT_EQ(ledger_.spent("team:red", QuotaPeriod::day)->pictures, 0);
}

TEST_F(ModeratorTest, RefusesWhatTheClassifierFlags) {
  classifier_.scores = {{"violence", 0.9, true}};
  Moderator door = moderator();
  EXPECT_EQ(reason_of(door.check("a red house", charge())), ErrorReason::content_moderated);
  EXPECT_EQ(lines(), 1u);
}

TEST_F(ModeratorTest, InShadowOnlyTheFloorIsRefused) {
  classifier_.scores = {{"violence", 0.9, true}};
  Moderator door = moderator({.shadow = true});
  EXPECT_TRUE(door.check("an owl", charge()));
  EXPECT_TRUE(door.check("a red house", charge()));
  EXPECT_EQ(lines(), 0u);
  EXPECT_FALSE(door.check("a naked child", charge()));
  classifier_.scores = {{std::string(kFloorCategory), 0.9, true}};
  EXPECT_FALSE(door.check("an owl", charge())) << "the classifier is asked in shadow, too";
}

TEST_F(ModeratorTest, WithoutAnAnswerOfTheClassifierNothingPassesUnlessItIsSaidSo) {
  classifier_.error = Error{ErrorCode::unavailable, "no answer"};
  Moderator door = moderator();
  const auto checked = door.check("a red house", charge());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::unavailable);
  EXPECT_EQ(checked.error().reason, ErrorReason::moderation_unavailable);
  EXPECT_EQ(lines(), 0u);
  Moderator open = moderator({.passes_when_down = true});
  EXPECT_TRUE(open.check("a red house", charge()));
  EXPECT_FALSE(open.check("an owl", charge())) << "words are judged all the same";
}

TEST_F(ModeratorTest, SparesAClassifierThatFailsAndAsksAgainLater) {
  classifier_.error = Error{ErrorCode::unavailable, "no answer"};
  Moderator door = moderator();
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(door.check("a red house", charge()));
  EXPECT_EQ(classifier_.calls, Breaker::kFailuresMax);
  clock_.advance_ms(Breaker::kPauseMs);
  EXPECT_FALSE(door.check("a red house", charge()));
  EXPECT_FALSE(door.check("a red house", charge()));
  EXPECT_EQ(classifier_.calls, Breaker::kFailuresMax + 1);
  clock_.advance_ms(Breaker::kPauseMs);
  classifier_.error.reset();
  EXPECT_TRUE(door.check("a red house", charge()));
  EXPECT_TRUE(door.check("a red house", charge()));
}

class PictureModeration : public ModeratorTest {
 protected:
  static constexpr std::uint8_t kFile[] = {1, 2, 3};
  static constexpr PictureToJudge kPicture{.file = kFile, .format = image::Format::webp};
};

TEST_F(PictureModeration, RefusesAGivenPictureBeforeItIsAJob) {
  classifier_.of_pictures = {{"violence", 0.9, true}};
  Moderator door = moderator({.pictures = true});
  EXPECT_TRUE(door.check("a red house", charge()));
  const auto checked = door.check_given(kPicture, charge());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().reason, ErrorReason::content_moderated);
  EXPECT_EQ(checked.error().message, "the image was rejected by content moderation (violence)");
  ASSERT_EQ(lines(), 1u);
  EXPECT_EQ(ledger_.usage({})->front().outcome, Outcome::prompt_blocked);
}

TEST_F(PictureModeration, LeavesTheBooksOfAMadePictureToItsJob) {
  classifier_.of_pictures = {{"violence", 0.9, true}};
  Moderator door = moderator({.pictures = true});
  EXPECT_EQ(reason_of(door.check_made(kPicture, charge())), ErrorReason::content_moderated);
  EXPECT_EQ(lines(), 0u);
  Moderator shadow = moderator({.shadow = true, .pictures = true});
  EXPECT_TRUE(shadow.check_made(kPicture, charge()));
  classifier_.of_pictures = {{"music", 0.9, true}};
  EXPECT_TRUE(door.check_made(kPicture, charge())) << "the policy only flags it";
}

TEST_F(PictureModeration, IsOffUnlessItIsSaidSo) {
  classifier_.of_pictures = {{"violence", 0.9, true}};
  Moderator door = moderator();
  EXPECT_TRUE(door.check_given(kPicture, charge()));
  EXPECT_TRUE(door.check_made(kPicture, charge()));
  EXPECT_EQ(classifier_.pictures, 0);
  EXPECT_NE(door.version("red"), moderator({.pictures = true}).version("red"))
      << "what was made unjudged answers no later request";
}

TEST_F(PictureModeration, PassesNothingWhileNobodyAnswersUnlessItIsSaidSo) {
  classifier_.error = Error{ErrorCode::unavailable, "no answer"};
  Moderator door = moderator({.pictures = true});
  EXPECT_EQ(reason_of(door.check_made(kPicture, charge())), ErrorReason::moderation_unavailable);
  Moderator open = moderator({.passes_when_down = true, .pictures = true});
  EXPECT_TRUE(open.check_made(kPicture, charge()));
}

}  // namespace
}  // namespace imagined::service
