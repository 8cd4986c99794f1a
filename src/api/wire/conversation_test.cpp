#include "api/wire/conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/wire/answer_parts.h"
#include "api/wire/conversation_answer.h"

namespace imagined::api::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Result<Conversation> parse(const std::string& body, ChatApi api = ChatApi::completions) {
  static const service::Catalogue catalogue =
      *service::Catalogue::make({{.id = "fast", .path = "x"}, {.id = "fine", .path = "x"}}, {});
  return parse_conversation(body, api, catalogue);
}

// One or more messages of a chat, and fields beside them.
Conversation chat(const std::string& messages, const std::string& fields = "") {
  auto said = parse(R"({"messages":[)" + messages + "]" + fields + "}");
  EXPECT_TRUE(said) << said.error().message;
  return *said;
}

Conversation response(const std::string& input, const std::string& fields = "") {
  auto said = parse(R"({"input":)" + input + fields + "}", ChatApi::responses);
  EXPECT_TRUE(said) << said.error().message;
  return *said;
}

SaidPicture at(const std::string& url) { return {.text = url}; }

TEST(Conversation, TakesTheLastTextOfTheUserAsThePrompt) {
  const auto said = chat(R"({"role":"system","content":"be kind"},
                            {"role":"user","content":"a cat"},
                            {"role":"assistant","content":"here"},
                            {"role":"user","content":[{"type":"text","text":"a red"},
                                                      {"type":"text","text":"house"}]})");
  EXPECT_EQ(said.fields.request.prompt.text(), "a red\nhouse");
  EXPECT_THAT(said.given, IsEmpty());
  EXPECT_THAT(said.earlier, IsEmpty());
}

TEST(Conversation, KnowsWhatTheUserHasGivenFromWhatWasAnswered) {
  const auto said = chat(
      R"json({"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.example/0"}},
                                   {"type":"text","text":"a hat"}]},
         {"role":"assistant","content":"![a hat](https://a.example/1.jpg) and ![no](x)",
          "images":[{"type":"image_url","image_url":{"url":"https://a.example/2.jpg"}}]},
         {"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},
                                   {"type":"image_url","image_url":{"file_id":"file_1"}}]},
         {"role":"user","content":"on this one"})json");
  EXPECT_EQ(said.fields.request.prompt.text(), "on this one");
  EXPECT_THAT(said.given,
              ElementsAre(at("data:image/png;base64,AA"), SaidPicture{.file_id = "file_1"}));
  EXPECT_THAT(said.earlier,
              ElementsAre(at("https://a.example/1.jpg"), at("https://a.example/2.jpg")));
}

TEST(Conversation, GoesBackToTheNewestTurnThatHasPictures) {
  const auto said = chat(R"json({"role":"user","content":"a cat"},
                            {"role":"assistant","content":"![x](http://a.example/1)"},
                            {"role":"user","content":"thank you"},
                            {"role":"assistant","content":"my pleasure"},
                            {"role":"user","content":"now blue"})json");
  EXPECT_THAT(said.earlier, ElementsAre(at("http://a.example/1")));
}

TEST(Conversation, CountsAPictureAsOftenAsOneMessageOfTheUserHasIt) {
  const std::string a = R"({"type":"image_url","image_url":{"url":"https://a.example/a"}})";
  const std::string b = R"({"type":"image_url","image_url":{"url":"https://a.example/b"}})";
  const auto message = [](const std::string& parts) {
    return R"({"role":"user","content":[{"type":"text","text":"a hat"},)" + parts + "]}";
  };
  const auto given = [&](const std::string& messages) { return chat(messages).given; };
  const SaidPicture said_a = at("https://a.example/a");
  const SaidPicture said_b = at("https://a.example/b");
  EXPECT_THAT(given(message(a + "," + a)), ElementsAre(said_a, said_a));
  EXPECT_THAT(given(message(a + "," + a) + "," + message(a + "," + a)), ElementsAre(said_a, said_a))
      << "it is sent again, for it was not answered";
  EXPECT_THAT(given(message(a) + "," + message(b + "," + a + "," + a)),
              ElementsAre(said_a, said_b, said_a));
}

TEST(Conversation, SaysWhoseEarlierPicturesAre) {
  const std::string shown =
      R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.example/a"}},
                                   {"type":"text","text":"a hat"}]},)";
  const std::string last = R"({"role":"user","content":"now blue"})";
  EXPECT_FALSE(chat(shown + R"({"role":"assistant","content":"no"},)" + last).is_answer);
  EXPECT_TRUE(
      chat(shown + R"json({"role":"assistant","content":"![x](https://a.example/b)"},)json" + last)
          .is_answer);
}

TEST(Conversation, ReadsTheItemsOfResponses) {
  const auto said = response(
      R"([{"role":"user","content":[{"type":"input_text","text":"a cat"}]},
          {"type":"image_generation_call","id":"ig_x_0","status":"completed","result":"AAAA"},
          {"type":"image_generation_call","id":"ig_x_1","result":null},
          {"type":"item_reference","id":"ig_x_2"},
          {"type":"reasoning","id":"rs_1","summary":[]},
          {"type":"message","role":"user","content":[{"type":"input_text","text":"a dog"},
             {"type":"input_image","image_url":"https://a.example/1","detail":"auto"},
             {"type":"input_image","file_id":"file_2"}]}])",
      R"(,"previous_response_id":"resp_9")");
  EXPECT_EQ(said.fields.request.prompt.text(), "a dog");
  EXPECT_THAT(said.given, ElementsAre(at("https://a.example/1"), SaidPicture{.file_id = "file_2"}));
  EXPECT_THAT(said.earlier, ElementsAre(at("AAAA"), SaidPicture{.item = "ig_x_1"},
                                        SaidPicture{.item = "ig_x_2"}));
  EXPECT_EQ(said.previous_response_id, "resp_9");
  EXPECT_EQ(response(R"("a cat")").fields.request.prompt.text(), "a cat");
}

TEST(Conversation, ReadsWhatTunesAPictureFromWhereverClientsSayIt) {
  const auto plain = chat(R"({"role":"user","content":"a cat"})",
                          R"(,"model":"fine","n":2,"seed":7,"size":"1792x1024","stream":true,
                             "stream_options":{"include_usage":true},"temperature":1,
                             "safety_identifier":"u",
                             "response_format":{"type":"text"},"max_tokens":9)");
  EXPECT_EQ(plain.fields.request.model, "fine");
  EXPECT_EQ(plain.fields.request.count, 2);
  EXPECT_EQ(plain.fields.request.seed, 7u);
  EXPECT_EQ(plain.fields.request.aspect_ratio, service::AspectRatio::r16_9);
  EXPECT_EQ(plain.fields.request.user, "u");
  EXPECT_TRUE(plain.fields.stream);
  EXPECT_TRUE(plain.include_usage);
  const auto config = chat(R"({"role":"user","content":"a cat"})",
                           R"(,"image_config":{"aspect_ratio":"9:16","image_size":"2K"})");
  EXPECT_EQ(config.fields.request.aspect_ratio, service::AspectRatio::r9_16);
  EXPECT_EQ(config.fields.request.resolution, service::Resolution::k2);
  const auto tool = response(
      R"("a cat")",
      R"(,"stream":true,"tools":[{"type":"image_generation","action":"edit","size":"1024x1792",
                                  "output_format":"png","partial_images":2}])");
  EXPECT_EQ(tool.action, ImageAction::edit);
  EXPECT_EQ(tool.fields.request.aspect_ratio, service::AspectRatio::r9_16);
  EXPECT_EQ(tool.fields.request.format, image::Format::png);
  EXPECT_EQ(tool.fields.request.previews, 2);
}

TEST(Conversation, WarnsOfWhatAPictureHasNot) {
  const auto said = chat(R"({"role":"user","content":"a cat"})",
                         R"(,"tools":[{"type":"function","function":{"name":"f"}}],
                             "response_format":{"type":"json_object"},"colour":"red")");
  EXPECT_THAT(said.fields.request.warnings,
              ElementsAre(HasSubstr("tools"), HasSubstr("response_format"), HasSubstr("colour")));
  const auto told = response(R"("a cat")", R"(,"text":{"format":{"type":"json_schema"}})");
  EXPECT_THAT(told.fields.request.warnings,
              ElementsAre(HasSubstr("text.format: a picture has no schema")));
  EXPECT_THAT(
      response(R"("a cat")", R"(,"text":{"format":{"type":"text"}})").fields.request.warnings,
      IsEmpty());
}

TEST(Conversation, LetsTheImageToolNameTheModelThatIsAsked) {
  const auto said = response(
      R"("a cat")",
      R"(,"model":"fine","tools":[{"type":"image_generation","model":"fine","moderation":"low",
                                   "bogus":1}])");
  EXPECT_EQ(said.fields.request.model, "fine");
  EXPECT_THAT(said.fields.request.warnings,
              ElementsAre("tools: \"bogus\": not known here and ignored"));
}

struct Wrong {
  const char* body;
  const char* field;
  const char* says;
};

class WrongConversation : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongConversation, IsRefusedByName) {
  const auto said = parse(GetParam().body);
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().field, GetParam().field);
  EXPECT_THAT(said.error().message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Each, WrongConversation,
    ::testing::Values(
        Wrong{R"({})", "messages", "expected a list of messages, got none"},
        Wrong{R"({"messages":[]})", "messages", "expected a list of messages"},
        Wrong{R"({"messages":"a cat"})", "messages", "got \"a cat\""},
        Wrong{R"({"messages":[7]})", "messages", "messages[0]: expected an object, got 7"},
        Wrong{R"({"messages":[{"role":"king","content":"x"}]})", "messages", "messages[0].role"},
        Wrong{R"({"messages":[{"role":"user","content":7}]})", "messages", "messages[0].content"},
        Wrong{R"({"messages":[{"role":"assistant","content":"x"}]})", "messages", "there is none"},
        Wrong{R"({"messages":[{"role":"user","content":" "}]})", "messages", "there is none"},
        Wrong{R"({"messages":[{"role":"user","content":[{"type":"input_audio"}]}]})", "messages",
              "messages[0].content[0]: a model that makes pictures reads texts and pictures"},
        Wrong{R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})", "messages",
              "messages[0].content[0].image_url: expected a URL"},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],"n":11})", "n", "n is 11"},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],"model":"nobody"})", "model",
              "does not exist"},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],"deferred":true})", "deferred",
              "not offered in a conversation"},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],
                  "tools":[{"type":"image_generation","action":"paint"}]})",
              "tools", "expected auto, generate or edit"},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],
                  "tools":[{"type":"image_generation","model":"nosuch"}]})",
              "tools", "tools: model: \"nosuch\" is not the model that is asked"},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],
                  "tools":[{"type":"image_generation","model":5}]})",
              "tools", "expected the name of a model, got 5"},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],"tools":[5]})", "tools",
              "expected a list of objects, got 5"},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],"previous_response_id":5})",
              "previous_response_id", "expected the id of a response, got 5"},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],"image_config":5})", "image_config",
              "expected an object, got 5"},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],"stream_options":5})",
              "stream_options", "expected an object, got 5"},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],"store":"x"})", "store",
              "expected true or false, got \"x\""},
        Wrong{R"({"messages":[{"role":"user","content":"x"}],"background":true})", "background",
              "made while their answer is waited for"}));

TEST(Conversation, KnowsTheQuestionWhatAPictureShows) {
  EXPECT_TRUE(asks_what_is_seen("  What is in this picture?"));
  EXPECT_TRUE(asks_what_is_seen("describe it"));
  EXPECT_FALSE(asks_what_is_seen("make it blue"));
  EXPECT_FALSE(asks_what_is_seen("a cat that describes a dog"));
}

TEST(CheckMessages, SaysThatInputMayBeAText) {
  const auto nothing = nlohmann::json::object();
  EXPECT_EQ(check_messages(nothing, ChatApi::responses).error().message,
            "input: expected a text or a list of messages, got none");
  EXPECT_EQ(check_messages(nothing, ChatApi::completions).error().message,
            "messages: expected a list of messages, got none");
}

TEST(AnswerNames, LeadToTheirJob) {
  const std::string job = "019ad0c4-5b1e-7a3c-8f11-0123456789ab";
  EXPECT_EQ(parse_answer_name("resp_" + job)->job_id, job);
  EXPECT_EQ(parse_answer_name("resp_" + job)->index, -1);
  EXPECT_EQ(parse_answer_name("ig_" + job + "_3")->job_id, job);
  EXPECT_EQ(parse_answer_name("ig_" + job + "_3")->index, 3);
  const std::vector<std::string> wrong = {
      "", job, "ig_", "ig_" + job, "ig_x_0", "ig__", "resp_" + job + "x", "ig_" + job + "_-1"};
  for (const std::string& bad : wrong) EXPECT_FALSE(parse_answer_name(bad)) << bad;
}

TEST(MarkdownPicture, HasNothingInItsTextThatHidesItsEnd) {
  EXPECT_EQ(markdown_picture("a house\\", "u"), "![a house ](u)");
  EXPECT_EQ(markdown_picture(std::string(79, 'a') + "\\b", "u"),
            "![" + std::string(79, 'a') + " ](u)");
  EXPECT_EQ(markdown_picture("`a [b](c)` <d>\r\ne", "u"), "![ a  b (c)   d   e](u)");
}

TEST(MarkdownPicture, CutsItsTextBetweenLetters) {
  const std::string fox = "\U0001F98A";
  EXPECT_EQ(markdown_picture(fox + fox, "u"), "![" + fox + fox + "](u)");
  EXPECT_EQ(markdown_picture("caf\u00e9", "u"), "![caf\u00e9](u)");
  EXPECT_EQ(markdown_picture(std::string(78, 'a') + fox, "u"),
            "![" + std::string(78, 'a') + "](u)");
  EXPECT_EQ(markdown_picture(std::string(76, 'a') + fox + "b", "u"),
            "![" + std::string(76, 'a') + fox + "](u)");
}

}  // namespace
}  // namespace imagined::api::wire
