#include "engine/families/sampling_config.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "engine/engine.h"

namespace imagined::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ModelCard card_of(std::string_view json) {
  SamplingDefaults sampling;
  ModelCard card;
  const Result<> parsed = parse_sampling(json, 16, sampling, card);
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
  return card;
}

TEST(ModelCard, NamesTheWordsThatItDoesNotKnowOnceAndInTheirOrder) {
  const ModelCard card =
      card_of(R"({"vocabulary": ["red", "house", "a", "children's", "4k", "beach"]})");
  EXPECT_THAT(card.unknown_words("A red HOUSE, 4k!"), IsEmpty());
  EXPECT_THAT(card.unknown_words("a skyline; a cat. A Cat"), ElementsAre("skyline", "cat"));
  EXPECT_THAT(card.unknown_words("children's children\xe2\x80\x99s house's 'red'"), IsEmpty());
  EXPECT_THAT(card.unknown_words("rotes H\xc3\x84USCHEN \xe8\xb5\xa4"),
              ElementsAre("rotes", "h\xc3\xa4uschen", "\xe8\xb5\xa4"));
  EXPECT_THAT(card.unknown_words("red-house; (beach)"), IsEmpty());
}

TEST(ModelCard, CountsEmojiAmongTheWordsThatItDoesNotKnow) {
  const ModelCard card = card_of(R"({"vocabulary": ["red", "house", "\u2600"]})");
  EXPECT_THAT(card.unknown_words("red \U0001f3e0house\U0001f600\U0001f600!"),
              ElementsAre("\U0001f3e0", "\U0001f600\U0001f600"));
  // A family and a waving hand: one sign each, of several code points.
  const char* family = "\U0001f468\u200d\U0001f469\u200d\U0001f467";
  const char* hand = "\U0001f44b\U0001f3fd";
  EXPECT_THAT(card.unknown_words(std::string(family) + " " + hand), ElementsAre(family, hand));
  EXPECT_THAT(card.unknown_words("\u2600 red"), IsEmpty());
  EXPECT_THAT(card.unknown_words("\U0001f600's red"), ElementsAre("\U0001f600", "s"));
}

TEST(ModelCard, KnowsAPromptWithoutAnyWord) {
  const ModelCard card = card_of(R"({"vocabulary": ["red"]})");
  for (const char* prompt : {"", " \n", "?!", "... \u2014 (\u201c\u201d)", "_'_", "+ = <"})
    EXPECT_TRUE(card.has_no_word(prompt)) << prompt;
  for (const char* prompt : {"red", "cat", "7", "\U0001f600", "\u8d64"})
    EXPECT_FALSE(card.has_no_word(prompt)) << prompt;
  EXPECT_FALSE(card_of("{}").has_no_word("?!"));
}

TEST(ModelCard, KnowsAWordWithAnApostropheByItsParts) {
  const ModelCard card = card_of(R"({"vocabulary": ["don", "t", "house"]})");
  EXPECT_THAT(card.unknown_words("don't house's"), IsEmpty());
  EXPECT_THAT(card.unknown_words("can't don'x"), ElementsAre("can't", "don'x"));
}

TEST(ModelCard, WithoutAListMayKnowEveryWord) {
  EXPECT_THAT(card_of(R"({"card": "All of it.", "draws": ["cat"]})").unknown_words("a dog"),
              IsEmpty());
}

TEST(ModelCard, OfTheBuiltInModelIsReadWithoutLoadingIt) {
  const std::filesystem::path models = std::filesystem::path(IMAGINED_SOURCE_DIR) / "models";
  EXPECT_THAT(model_card(models / "paperland"), HasSubstr("small model"));
  EXPECT_EQ(model_card(models), "");
}

TEST(ModelCard, RefusesListsThatAreNone) {
  SamplingDefaults sampling;
  ModelCard card;
  for (const char* json : {R"({"vocabulary": "red"})", R"({"vocabulary": [1]})",
                           R"({"draws": [""]})", R"({"card": 7})"}) {
    const Result<> parsed = parse_sampling(json, 16, sampling, card);
    ASSERT_FALSE(parsed.has_value()) << json;
    EXPECT_THAT(parsed.error().message, HasSubstr("sampling.json: "));
  }
}

TEST(SharpenEdges, IsOfNoPassUnlessItIsSaidAndOfEightAtMost) {
  SamplingDefaults sampling;
  ModelCard card;
  ASSERT_TRUE(parse_sampling("{}", 16, sampling, card).has_value());
  EXPECT_EQ(sampling.edge_passes, 0);
  ASSERT_TRUE(parse_sampling(R"({"sharpen_edges": 2})", 16, sampling, card).has_value());
  EXPECT_EQ(sampling.edge_passes, 2);
  for (const char* json : {R"({"sharpen_edges": 9})", R"({"sharpen_edges": -1})",
                           R"({"sharpen_edges": true})", R"({"sharpen_edges": 1.5})"}) {
    const Result<> parsed = parse_sampling(json, 16, sampling, card);
    ASSERT_FALSE(parsed.has_value()) << json;
    EXPECT_THAT(parsed.error().message, HasSubstr("sharpen_edges")) << json;
  }
}

TEST(ClipTraining, IsSaidByBothOfItsKeysOrNone) {
  SamplingDefaults sampling;
  ModelCard card;
  ASSERT_TRUE(parse_sampling("{}", 16, sampling, card).has_value());
  EXPECT_EQ(sampling.clips.frames, 0);
  ASSERT_TRUE(
      parse_sampling(R"({"clip_frames": 9, "clip_frames_per_second": 4})", 16, sampling, card)
          .has_value());
  EXPECT_EQ(sampling.clips.frames, 9);
  EXPECT_EQ(sampling.clips.frames_per_second, 4);
  EXPECT_EQ(sampling.clips.stride, 1);
  for (const char* json : {R"({"clip_frames": 9})", R"({"clip_frames": 1})",
                           R"({"clip_frames": 9, "clip_frames_per_second": 61})",
                           R"({"clip_frames": 9, "clip_frames_per_second": 4, "clip_stride": 3})"})
    EXPECT_FALSE(parse_sampling(json, 16, sampling, card).has_value()) << json;
}

}  // namespace
}  // namespace imagined::engine
