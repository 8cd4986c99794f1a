#include "api/wire/tool_talk.h"

#include <gmock/gmock.h>

namespace imagined::api::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const service::Catalogue& pictures_only() {
  static const auto kMade =
      service::Catalogue::make({{.id = "draws"}}, {}).value();  // any words, up to 8000
  return kMade;
}

constexpr std::string_view kCompletion =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\u00e9\"}}]}\r\n\r\n"
    ": alive\n\n"
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":"
    "{\"name\":\"imagine_text_to_image\",\"arguments\":\"{\\\"pro\"}}]}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
    "\"mpt\\\":\\\"a\\\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n";

TEST(TurnReader, HearsTheSameWhereverAStreamIsCut) {
  for (std::size_t size = 1; size <= kCompletion.size(); size += 7) {
    TurnReader reader(ChatApi::completions);
    std::string said;
    for (std::size_t at = 0; at < kCompletion.size(); at += size)
      said += reader.feed(kCompletion.substr(at, size));
    const auto turn = reader.end();
    ASSERT_TRUE(turn) << turn.error().detail;
    EXPECT_EQ(said, "h\u00e9");
    EXPECT_THAT(turn->calls,
                ElementsAre(ToolCall{"c", "imagine_text_to_image", R"({"prompt":"a"})"}));
    EXPECT_EQ(turn->usage, (service::TokenUsage{.input = 3, .output = 4}));
  }
}

TEST(TurnReader, TakesNoStreamThatBreaksOffForAWholeOne) {
  TurnReader reader(ChatApi::completions);
  reader.feed("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
  EXPECT_EQ(reader.end().error().code, ErrorCode::unavailable);
  TurnReader silent(ChatApi::responses);
  EXPECT_FALSE(silent.end());
  TurnReader far_too_many(ChatApi::completions);
  far_too_many.feed(
      R"(data: {"choices":[{"delta":{"tool_calls":[{"index":4000000000,"id":"c"}]}}]})"
      "\n\ndata: [DONE]\n\n");
  EXPECT_TRUE(far_too_many.end()->calls.empty());
}

ToolTalk talk_of(std::string_view body, ChatApi api = ChatApi::completions) {
  return ToolTalk::parse(body, api).value();
}

TEST(ToolTalk, AsksWithOurToolsBesideTheClientsAndAtLastWithoutThem) {
  ToolTalk talk = talk_of(
      R"({"model":"m","messages":[],"tools":[{"type":"image_generation","action":"generate"},)"
      R"({"type":"function","function":{"name":"own"}}],"tool_choice":"required"})");
  EXPECT_THAT(talk.body(false), HasSubstr("imagine_text_to_image"));
  EXPECT_THAT(talk.body(false), testing::Not(HasSubstr("imagine_image_to_image")));
  EXPECT_THAT(talk.body(false), HasSubstr(R"("tool_choice":"required")"));
  talk.add({.text = "x", .calls = {{"c", "imagine_text_to_image", "{}"}}});
  EXPECT_THAT(talk.body(false), HasSubstr(R"("tool_choice":"auto")"));
  EXPECT_THAT(talk.body(true), testing::Not(HasSubstr("Makes pictures")));
  EXPECT_THAT(talk.body(true), HasSubstr(R"("own")"));
}

TEST(ToolTalk, KnowsPicturesByTheirNamesAndNoOthers) {
  const ToolTalk talk = talk_of(
      R"({"model":"m","input":[{"type":"image_generation_call","id":"ig_x_0","result":"QUJD"},)"
      R"({"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,AA=="}]}]})",
      ChatApi::responses);
  EXPECT_THAT(talk.body(false), testing::Not(HasSubstr("QUJD")));
  const auto read = [&](std::string_view images) {
    return talk.read(
        {"c", "imagine_image_to_image", R"({"prompt":"a","images":)" + std::string(images) + "}"},
        "draws", pictures_only());
  };
  const auto known = read(R"(["ig_x_0","image_1","ig_y_1"])");
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_THAT(known->references, ElementsAre(SaidPicture{.text = "QUJD"},
                                             SaidPicture{.text = "data:image/png;base64,AA=="},
                                             SaidPicture{.item = "ig_y_1"}));
  for (const char* images : {R"(["image_2"])", R"(["file:///etc/passwd"])", "[]", "[7]", "null"})
    EXPECT_FALSE(read(images)) << images;
}

TEST(ToolTalk, MakesNoMorePicturesACallThanItMay) {
  const ToolTalk talk = talk_of(R"({"model":"m","messages":[]})");
  const auto read = [&](const char* arguments) {
    return talk.read({"c", "imagine_text_to_image", arguments}, "draws", pictures_only());
  };
  EXPECT_EQ(read(R"({"prompt":"a","n":99})")->fields.request.count, 4);
  EXPECT_EQ(read(R"({"prompt":"a"})")->fields.request.count, 1);
  EXPECT_FALSE(read(R"({"n":1})"));
  EXPECT_FALSE(read("nonsense"));
  EXPECT_FALSE(read(R"({"prompt":"a","aspect_ratio":"7:3"})"));
}

TEST(ImageTool, IsSeenWhereItIsAskedForAlone) {
  EXPECT_TRUE(wants_image_tool(R"({"tools":[{"type":"x"},{"type":"image_generation"}]})"));
  for (const char* body : {R"({"input":"image_generation"})", R"({"tools":["image_generation"]})",
                           R"({"tools":{"type":"image_generation"}})", "image_generation"})
    EXPECT_FALSE(wants_image_tool(body)) << body;
}

}  // namespace
}  // namespace imagined::api::wire
