#include "storage/codec/moderation_answer.h"

#include <gmock/gmock.h>

namespace imagined::storage {
namespace {

using service::CategoryScore;
using testing::ElementsAre;

TEST(ModerationAnswer, AsksAsOpenAisApiWantsIt) {
  EXPECT_EQ(encode_moderation_question("omni", "a \"red\" house"),
            R"({"model":"omni","input":"a \"red\" house"})");
}

TEST(ModerationAnswer, AsksOfAPictureByItsDataUrl) {
  const std::uint8_t file[] = {1, 2, 3};
  EXPECT_EQ(encode_moderation_question("om\"ni", {.file = file, .format = image::Format::webp}),
            R"({"model":"om\"ni","input":[{"type":"image_url","image_url":)"
            R"({"url":"data:image/webp;base64,AQID"}}]})");
}

TEST(ModerationAnswer, ReadsFlagsAndScoresOfAllResults) {
  const auto scores = decode_moderation_answer(
      R"({"id":"modr-1","model":"omni","results":[
        {"flagged":true,"categories":{"violence":true,"hate":false,"illicit":null},
         "category_scores":{"violence":0.9,"hate":0.1}},
        {"flagged":false,"categories":{"violence":false,"hate":false},
         "category_scores":{"violence":0.2,"hate":0.3}}]})");
  ASSERT_TRUE(scores);
  EXPECT_THAT(*scores,
              ElementsAre(CategoryScore{"hate", 0.3, false}, CategoryScore{"violence", 0.9, true}));
}

TEST(ModerationAnswer, DoesWithoutScores) {
  EXPECT_THAT(*decode_moderation_answer(R"({"results":[{"categories":{"hate":true}}]})"),
              ElementsAre(CategoryScore{"hate", 0, true}));
}

TEST(ModerationAnswer, RefusesWhatItCannotUnderstand) {
  for (const char* text : {"", "[]", "{}", R"({"results":[]})", R"({"results":[1]})",
                           R"({"results":[{}]})", R"({"results":[{"categories":{"hate":"yes"}}]})",
                           R"({"results":[{"categories":{},"category_scores":{"hate":1.5}}]})",
                           R"({"results":[{"categories":{},"category_scores":{"hate":NaN}}]})",
                           R"({"results":[{"categories":{},"category_scores":{"hate":"0.5"}}]})"}) {
    const auto scores = decode_moderation_answer(text);
    ASSERT_FALSE(scores) << text;
    EXPECT_EQ(scores.error().code, ErrorCode::data_loss);
  }
}

}  // namespace
}  // namespace imagined::storage
