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
  EXPECT_THAT(card.unknown_words("red-house \xf0\x9f\x98\x80 (beach)"), IsEmpty());
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

}  // namespace
}  // namespace imagined::engine
