#include "api/wire/talk_turn.h"

#include <gmock/gmock.h>

namespace imagined::api::wire {
namespace {

using testing::ElementsAre;

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

TEST(TurnReader, SaysWhatTheOtherServerSays) {
  const auto said = [](ChatApi api, const std::string& event) {
    TurnReader reader(api);
    reader.feed("data: " + event + "\n\n");
    return reader.end().error().message;
  };
  for (const char* event : {R"({"error":{"message":"no memory"}})", R"({"error":"no memory"})"})
    EXPECT_EQ(said(ChatApi::completions, event), "the server that has the model says: no memory");
  for (const char* event :
       {R"({"type":"response.failed","response":{"error":{"message":"no memory"}}})",
        R"({"type":"error","message":"no memory"})"})
    EXPECT_EQ(said(ChatApi::responses, event), "the server that has the model says: no memory");
}

TEST(TurnReader, TakesTheEndOfAnotherApiForNone) {
  TurnReader reader(ChatApi::responses);
  reader.feed("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n");
  EXPECT_EQ(reader.end().error().code, ErrorCode::unavailable);
  TurnReader empty(ChatApi::completions);
  empty.feed("data: [DONE]\n\n");
  EXPECT_EQ(empty.end().error().code, ErrorCode::unavailable);
}

TEST(TurnReader, SaysWhyAnAnswerIsCutOff) {
  for (const auto& [reason, said] :
       {std::pair{"max_output_tokens", "length"}, std::pair{"content_filter", "content_filter"}}) {
    TurnReader reader(ChatApi::responses);
    reader.feed(std::string(R"(data: {"type":"response.incomplete","response":{"output":[],)") +
                R"("incomplete_details":{"reason":")" + reason + "\"}}}\n\n");
    EXPECT_EQ(reader.end()->finish_reason, said);
  }
}

}  // namespace
}  // namespace imagined::api::wire
