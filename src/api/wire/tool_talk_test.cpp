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

Result<ToolTalk> parse(std::string_view body, ChatApi api = ChatApi::completions,
                       bool takes_references = true) {
  return ToolTalk::parse(
      body, api,
      PictureMaker{
          .catalogue = pictures_only(), .model = "draws", .takes_references = takes_references});
}

ToolTalk talk_of(std::string_view body, ChatApi api = ChatApi::completions) {
  return parse(body, api).value();
}

TEST(ToolTalk, AsksWithOurToolsBesideTheClientsAndAtLastWithoutThem) {
  ToolTalk talk = talk_of(
      R"({"model":"m","messages":[{"role":"user","content":"a"}],"tools":[{"type":"image_generation","action":"generate"},)"
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
        {"c", "imagine_image_to_image", R"({"prompt":"a","images":)" + std::string(images) + "}"});
  };
  const auto known = read(R"(["ig_x_0","image_1","ig_y_1"])");
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_THAT(known->references, ElementsAre(SaidPicture{.text = "QUJD"},
                                             SaidPicture{.text = "data:image/png;base64,AA=="},
                                             SaidPicture{.item = "ig_y_1"}));
  for (const char* images : {R"(["image_2"])", R"(["file:///etc/passwd"])", "[]", "[7]", "null"})
    EXPECT_FALSE(read(images)) << images;
}

TEST(ToolTalk, SendsWhatTheModelSaidAsItSaidIt) {
  const auto body = [](const char* items) {
    return talk_of(std::string(R"({"model":"m","input":[)") + items + "]}", ChatApi::responses)
        .body(false);
  };
  EXPECT_THAT(
      body(R"({"role":"user","content":"a"},{"role":"assistant","content":"b"},)"
           R"({"role":"assistant","id":"x","content":[{"type":"output_text","text":"c"}]})"),
      HasSubstr(R"("input":[{"content":"a","role":"user","type":"message"},)"
                R"({"content":[{"annotations":[],"text":"b","type":"output_text"}],"id":"msg_1",)"
                R"("role":"assistant","status":"completed","type":"message"},)"
                R"({"content":[{"annotations":[],"text":"c","type":"output_text"}],"id":"x",)"
                R"("role":"assistant","status":"completed","type":"message"}])"));
  EXPECT_THAT(body(R"({"type":"image_generation_call","id":"ig_1_0","prompt":"p"})"),
              HasSubstr(R"("text":"[picture ig_1_0: p]","type":"output_text")"));
}

TEST(ToolTalk, NamesThePicturesThatAnAnswerIsSentBackWith) {
  const std::string picture = "data:image/png;base64,AA==";
  const ToolTalk responses = talk_of(
      R"({"model":"m","input":[{"role":"assistant","content":[{"type":"input_image","image_url":")" +
          picture + R"("},{"type":"output_text","text":"a"}]},{"role":"user","content":"b"}]})",
      ChatApi::responses);
  EXPECT_THAT(responses.body(false), testing::Not(HasSubstr(picture)));
  EXPECT_THAT(responses.body(false),
              HasSubstr(R"("text":"[picture image_1]","type":"output_text")"));
  const auto known =
      responses.read({"c", "imagine_image_to_image", R"({"prompt":"a","images":["image_1"]})"});
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_THAT(known->references, ElementsAre(SaidPicture{.text = picture}));
  const ToolTalk chat = talk_of(
      R"({"model":"m","messages":[{"role":"assistant","content":[{"type":"image_url","image_url":)"
      R"({"url":")" +
      picture + R"("}}]},{"role":"user","content":"b"}]})");
  EXPECT_THAT(chat.body(false), HasSubstr(R"({"text":"[picture image_1]","type":"text"})"));
}

TEST(ToolTalk, MakesNoMorePicturesACallThanItMay) {
  const ToolTalk talk = talk_of(R"({"model":"m","messages":[{"role":"user","content":"a"}]})");
  const auto read = [&](const char* arguments) {
    return talk.read({"c", "imagine_text_to_image", arguments});
  };
  EXPECT_EQ(read(R"({"prompt":"a","n":99})")->fields.request.count, 4);
  EXPECT_EQ(read(R"({"prompt":"a"})")->fields.request.count, 1);
  EXPECT_FALSE(read(R"({"n":1})"));
  EXPECT_FALSE(read("nonsense"));
  EXPECT_FALSE(read(R"({"prompt":"a","aspect_ratio":"7:3"})"));
}

TEST(ToolTalk, OffersNoChangesOfPicturesToAModelWithoutReferences) {
  constexpr std::string_view kAsk = R"({"messages":[{"role":"user","content":"a"}]})";
  EXPECT_THAT(parse(kAsk)->body(false), HasSubstr("imagine_image_to_image"));
  EXPECT_THAT(parse(kAsk, ChatApi::completions, false)->body(false),
              testing::Not(HasSubstr("imagine_image_to_image")));
}

TEST(ToolTalk, KeepsWhatTunesAPictureFromWhoTalks) {
  const auto talk = parse(
      R"({"messages":[{"role":"user","content":"a"}],"size":"1024x1024","seed":7,"quality":null,)"
      R"("response_format":{"type":"json_object"}})");
  ASSERT_TRUE(talk) << talk.error().message;
  EXPECT_THAT(talk->body(false),
              testing::Not(testing::AnyOf(HasSubstr("size"), HasSubstr("quality"))));
  EXPECT_THAT(talk->body(false), testing::AllOf(HasSubstr("\"seed\":7"), HasSubstr("json_object")));
  EXPECT_THAT(talk->warnings(),
              ElementsAre("size: the model that talks says how a picture is to be"));
}

TEST(ToolTalk, HasNoToolsForPicturesWithoutAMaker) {
  const auto talk = ToolTalk::parse(
      R"({"messages":[{"role":"user","content":"a"}],"size":"large",)"
      R"("tools":[{"type":"function","function":{"name":"own"}}],"tool_choice":"none"})",
      ChatApi::completions, std::nullopt);
  ASSERT_TRUE(talk) << talk.error().message;
  EXPECT_THAT(talk->body(false),
              testing::AllOf(HasSubstr("own"), HasSubstr(R"("tool_choice":"none")"),
                             HasSubstr("large"), testing::Not(HasSubstr("imagine_"))));
  EXPECT_TRUE(talk->warnings().empty());
}

TEST(ToolTalk, RefusesByNameWhatItCannotRead) {
  const auto field = [](const std::string& member) {
    const auto talk = parse(R"({"messages":[{"role":"user","content":"a"}],)" + member + "}",
                            ChatApi::completions, false);
    return talk ? "taken" : talk.error().field;
  };
  EXPECT_EQ(field(R"("stream":"yes")"), "stream");
  EXPECT_EQ(field(R"("tools":"x")"), "tools");
  EXPECT_EQ(field(R"("tools":[{"type":"image_generation","size":"large"}])"), "tools");
  EXPECT_EQ(field(R"("tools":[{"type":"image_generation","action":"edit"}])"), "tools");
  EXPECT_EQ(field(R"("stream_options":7)"), "stream_options");
  EXPECT_EQ(field(R"("output":{"upload_urls":["http://x"]})"), "output");
  EXPECT_EQ(field(R"("tools":null,"stream":null)"), "taken");
  EXPECT_EQ(parse(R"({"messages":[]})").error().field, "messages");
  const auto kept =
      parse(R"({"input":[{"type":"item_reference","id":"msg_1"}]})", ChatApi::responses);
  EXPECT_EQ(kept.error().field, "input");
  EXPECT_THAT(kept.error().message, HasSubstr("there is no \"msg_1\"; send the item itself"));
}

TEST(ImageTool, IsSeenWhereItIsAskedForAlone) {
  EXPECT_TRUE(wants_image_tool(R"({"tools":[{"type":"x"},{"type":"image_generation"}]})"));
  for (const char* body : {R"({"input":"image_generation"})", R"({"tools":["image_generation"]})",
                           R"({"tools":{"type":"image_generation"}})", "image_generation"})
    EXPECT_FALSE(wants_image_tool(body)) << body;
}

}  // namespace
}  // namespace imagined::api::wire
