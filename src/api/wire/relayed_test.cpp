#include "api/wire/relayed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace imagined::api::wire {
namespace {

using service::TokenUsage;
using ::testing::ElementsAre;

TEST(RelayedHead, FindsWhatItMustKnowAtTheTopAlone) {
  const std::string body =
      R"( {"messages":[{"model":"no","stream":true}], "mod\u0065l" : 1,"model" : "a\"b" ,
          "stream":true,"stream_options":{"include_usage":true}})";
  const auto head = read_relayed(body);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->model, "a\"b");
  EXPECT_EQ(head->model_value.of(body), R"("a\"b")");
  EXPECT_TRUE(head->stream);
  EXPECT_GT(head->stream_options.size, 0U);
  EXPECT_EQ(body[head->first_member - 1], '{');
}

TEST(RelayedHead, LeavesEverythingElseToTheOtherServer) {
  const auto head = read_relayed(R"({"model":null,"stream":false,"n":1e999,"x":nonsense})");
  ASSERT_TRUE(head);
  EXPECT_FALSE(head->model);
  EXPECT_FALSE(head->stream);
  EXPECT_EQ(head->stream_options.size, 0U);
}

TEST(RelayedHead, RefusesWhatIsNoWholeObject) {
  const std::vector<std::string> wrong = {"",          "[]",          "\"x\"",       "{",
                                          "{\"a\"}",   "{\"a\":}",    "{\"a\":1",    "{\"a\":[1}",
                                          "{\"a\":1,", "{\"a\":\"x}", "{\"a\":\"\\", "{} x",
                                          "{,}",       "{\"a\":1,,}", "{\"a\":[1,]}"};
  for (const std::string& body : wrong) EXPECT_FALSE(read_relayed(body)) << body;
  EXPECT_EQ(read_relayed(R"({"model":7})").error().field, "model");
}

std::string nested(std::size_t levels) {
  std::string body = "{\"a\":" + std::string(levels - 1, '[');
  return body + "\"]\"" + std::string(levels - 1, ']') + ",\"model\":\"m\"}";
}

TEST(RelayedHead, SaysOfWhatIsNestedTooDeeplyThatItIs) {
  const auto head = read_relayed(nested(256));
  ASSERT_TRUE(head);
  EXPECT_TRUE(check_depth(*head, "the body"));
  for (const std::size_t levels : {std::size_t{257}, std::size_t{100'000}}) {
    const auto deeper = read_relayed(nested(levels));
    ASSERT_TRUE(deeper) << levels;
    EXPECT_EQ(deeper->model, "m");
    EXPECT_EQ(check_depth(*deeper, "the body").error().message,
              "the body is nested too deeply (at most 256 levels are allowed)");
  }
  EXPECT_FALSE(read_relayed("{\"a\":" + std::string(5000, '[')));
}

TEST(RelayedMembers, AreThoseOfTheWholeBodyAsTheyCame) {
  using Member = std::pair<std::string_view, std::string_view>;
  EXPECT_THAT(
      members_of(R"( {"a": 1 ,"b":[ {"c":"x"} ], "d":"\"y"} )"),
      ElementsAre(Member{"a", "1"}, Member{"b", R"([ {"c":"x"} ])"}, Member{"d", R"("\"y")"}));
}

TEST(RelayedStrings, SayWhereTheyStand) {
  const std::string body =
      R"({"a":"1","list":["2",{"image_url":{"url":"3"}},[{"b":"4"}]],"image_url":"5"})";
  std::vector<std::string> seen;
  for (const JsonString& each : strings_of(body))
    seen.push_back(std::string(each.in) + "/" + std::string(each.name.of(body)) + "=" +
                   std::string(each.value.of(body)));
  EXPECT_THAT(seen, ElementsAre("/\"a\"=\"1\"", "list/=\"2\"", "image_url/\"url\"=\"3\"",
                                "list/\"b\"=\"4\"", "/\"image_url\"=\"5\""));
}

TEST(RelayedStrings, AreReadAsJsonMeansThem) {
  EXPECT_EQ(unquoted(R"("a\/b\n\"\\\u0041\u00e9")"), "a/b\n\"\\A\u00e9");
  EXPECT_EQ(unquoted(R"("\ud83d\ude00")"), "\U0001F600");
  EXPECT_EQ(unquoted(R"("\ud83d!")"), "\uFFFD!");
  EXPECT_EQ(unquoted(R"("\u12")"), "u12");
  EXPECT_EQ(unquoted("\"\""), "");
}

TEST(RelayedBody, ChangesNothingButItsReplacements) {
  EXPECT_EQ(replaced("0123456789", {{{2, 0}, "<>"}, {{4, 3}, "x"}}), "01<>23x789");
}

std::optional<TokenUsage> usage_of(const std::string& text, std::size_t piece) {
  UsageReader reader;
  for (std::size_t i = 0; i < text.size(); i += piece) reader.feed(text.substr(i, piece));
  return reader.usage();
}

TEST(UsageReader, FindsTheLastUsageHoweverItComes) {
  const std::string stream =
      "data: {\"choices\":[],\"usage\":null}\n\ndata: {\"usage\": {\"prompt_tokens\": 3, "
      "\"completion_tokens\":4,\"prompt_tokens_details\":{\"cached_tokens\":1}}}\n\n"
      "data: {\"x\":1,\"usage\":null}\n\ndata: [DONE]\n\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, stream.size()})
    EXPECT_EQ(usage_of(stream, piece), (TokenUsage{.input = 3, .output = 4})) << piece;
  const std::string response = std::string(100'000, ' ') +
                               R"({"usage":{"input_tokens":5,"output_tokens":6,)"
                               R"("cost_in_usd_ticks":70}})";
  EXPECT_EQ(usage_of(response, 4096), (TokenUsage{.input = 5, .output = 6, .cost_usd_ticks = 70}));
}

TEST(UsageReader, BelievesNoNonsense) {
  EXPECT_FALSE(usage_of("data: [DONE]\n\n", 3));
  EXPECT_FALSE(usage_of(R"({"usage":{"prompt_tokens":3)", 3));  // cut off
  EXPECT_EQ(usage_of(R"({"usage":{"prompt_tokens":-3,"completion_tokens":"x"}})", 99),
            TokenUsage());
  EXPECT_EQ(usage_of(R"({"usage":{"prompt_tokens":1e30,"completion_tokens":1000000001,)"
                     R"("cost_in_usd_ticks":9223372036854775807}})",
                     99),
            TokenUsage());
}

TEST(UsageReader, ReadsNumbersHoweverTheyAreWritten) {
  EXPECT_EQ(usage_of(R"({"usage":{"prompt_tokens":1e3,"completion_tokens":5.0e2,)"
                     R"("cost_in_usd_ticks":1.2E4}})",
                     99),
            (TokenUsage{.input = 1000, .output = 500, .cost_usd_ticks = 12'000}));
  EXPECT_EQ(usage_of(R"({"usage":{"input_tokens":7.0,"output_tokens":0.6}})", 99),
            (TokenUsage{.input = 7, .output = 1}));
}

TEST(RelayedBody, IsMadeToAskForUsage) {
  EXPECT_EQ(with_usage("null"), R"({"include_usage":true})");
  EXPECT_EQ(with_usage(R"({"include_usage":false,"x":1})"), R"({"include_usage":true,"x":1})");
  EXPECT_FALSE(with_usage(R"({"include_usage":true})"));
  EXPECT_FALSE(with_usage("5"));
}

/// What is passed on of a text that comes in pieces.
std::string passed(WholeEvents events, const std::string& text, std::size_t piece) {
  std::string all;
  for (std::size_t i = 0; i < text.size(); i += piece) all += events.feed(text.substr(i, piece));
  return all + events.rest();
}

constexpr std::string_view kWhole =
    R"({"id":"c","object":"chat.completion","choices":[{"index":0,"finish_reason":"tool_calls",
        "message":{"role":"assistant","content":"hi","reasoning":"hm","tool_calls":[{"id":"t"}]}},
        {"index":1,"message":{"content":"ho"}}],"usage":{"prompt_tokens":1}})";

TEST(WholeCompletion, IsToldAsTheStreamThatWasAskedFor) {
  EXPECT_EQ(
      *as_events(kWhole, ""),
      "data: {\"choices\":[{\"delta\":{\"content\":\"hi\",\"reasoning\":\"hm\",\"role\":"
      "\"assistant\",\"tool_calls\":[{\"id\":\"t\",\"index\":0}]},\"finish_reason\":\"tool_calls\","
      "\"index\":0},{\"delta\":{\"content\":\"ho\"},\"index\":1}],\"id\":\"c\",\"object\":"
      "\"chat.completion.chunk\"}\n\ndata: [DONE]\n\n");
}

TEST(WholeCompletion, TellsWhatWasUsedOnlyToWhoAsksForIt) {
  const std::string usage =
      "data: {\"choices\":[],\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"usage\":"
      "{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n";
  EXPECT_TRUE(as_events(kWhole, R"({"include_usage":true})")->ends_with("\n\n" + usage));
  EXPECT_EQ(*as_events(kWhole, R"({"include_usage":false})"), *as_events(kWhole, ""));
}

TEST(WholeCompletion, IsNothingElse) {
  EXPECT_EQ(as_events(R"({"error":{"message":"no room"},"choices":[]})", "").error().message,
            "the server that has the model says: no room");
  for (const char* other : {"{}", "{\"choices\":[]}", "{\"choices\":", "{\"output\":[{}]}"})
    EXPECT_EQ(as_events(other, "").error().message,
              "the server that has the model answers with no stream, which was asked for");
}

TEST(WholeEvents, AreAllThatIsPassedOnBeforeTheEnd) {
  WholeEvents events(false);
  EXPECT_EQ(events.feed("data: 1\n\ndata: 2\n"), "data: 1\n\n");
  EXPECT_EQ(events.feed("id: 7"), "");
  EXPECT_TRUE(events.is_between_events());
  EXPECT_EQ(events.feed("\n\ndata: 3\r\n\r\n"), "data: 2\nid: 7\n\ndata: 3\r\n\r\n");
  EXPECT_EQ(events.feed("data: 4\r"), "");
  EXPECT_EQ(events.feed("\n\r\n"), "data: 4\r\n\r\n");
  EXPECT_EQ(events.feed("data: 5\r\r"), "data: 5\r\r");
  EXPECT_EQ(events.feed(": half"), "");
  EXPECT_EQ(events.rest(), ": half");
  EXPECT_FALSE(events.is_between_events());
}

TEST(WholeEvents, ChangeNoByteHoweverTheyCome) {
  const std::string text =
      "\n: hello\r\n\r\ndata: {\"choices\":[],\"usage\":{}}\n\ndata: " + std::string(150'000, 'x') +
      "\ndata: y\n\nevent: z\ndata: z\n\nrest";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, text.size()})
    EXPECT_EQ(passed(WholeEvents(false), text, piece), text) << piece;
}

TEST(WholeEvents, ArePassedOnInPiecesWhereTheyAreVeryLong) {
  for (const bool without_usage : {false, true}) {
    WholeEvents events(without_usage);
    const std::string piece = "data: " + std::string(100'000, 'x');
    EXPECT_EQ(events.feed(piece), piece);
    EXPECT_FALSE(events.is_between_events());
    EXPECT_EQ(events.feed("\n"), "\n") << "the end of that line is no empty one";
    EXPECT_FALSE(events.is_between_events());
    EXPECT_EQ(events.feed("data: y"), "data: y");
    EXPECT_EQ(events.feed("\n\ndata: z"), "\n\n");
    EXPECT_TRUE(events.is_between_events());
    EXPECT_EQ(events.rest(), "data: z");
  }
}

TEST(WholeEvents, LeaveOutWhatOnlyTellsUsageWhereTheyAreToHoweverItComes) {
  const std::string words =
      ": hello\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\"\"}}],"
      "\"usage\":{\"x\":1}}\r\n\r\ndata: {\"choices\":[],\"usage\":null}\n\n";
  const std::string usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}";
  const std::string end = "data: [DONE]\n\nrest";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    const WholeEvents without(true);
    EXPECT_EQ(passed(without, words + usage + "\n\n" + end, piece), words + end) << piece;
    EXPECT_EQ(passed(without, words + usage + "\r\n\r\n" + end, piece), words + end) << piece;
    EXPECT_EQ(passed(without, words + usage, piece), words) << piece;
  }
}

}  // namespace
}  // namespace imagined::api::wire
