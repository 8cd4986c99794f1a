#include "api/wire/responses_as_chat.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagined::api::wire {
namespace {

using nlohmann::json;

json chat_of(const json& body) {
  const auto chat = responses_as_chat(body.dump());
  return chat ? json::parse(*chat) : json(chat.error().message);
}

json messages_of(const json& input) {
  return chat_of({{"model", "m"}, {"input", input}})["messages"];
}

TEST(ResponsesAsChat, HasTheSameWordsUnderTheirOtherNames) {
  const json chat = chat_of(json::parse(R"({
      "model": "m", "instructions": "be brief", "input": "hi", "stream": true, "temperature": 0.5,
      "max_output_tokens": 9, "reasoning": {"effort": "low"}, "store": false, "include": [],
      "previous_response_id": null, "background": false, "chat_template_kwargs": {"x": 1},
      "text": {"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}},
               "verbosity": "low"}})"));
  EXPECT_EQ(chat, json::parse(R"({
      "model": "m", "stream": true, "temperature": 0.5, "max_tokens": 9, "reasoning_effort": "low",
      "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
      "chat_template_kwargs": {"x": 1}, "verbosity": "low",
      "response_format": {"type": "json_schema",
                          "json_schema": {"name": "s", "schema": {"type": "object"}}}})"));
}

TEST(ResponsesAsChat, TellsTheTurnsOfAConversation) {
  EXPECT_EQ(messages_of(json::parse(R"([
      {"role": "developer", "content": "be brief"},
      {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"},
                                                      {"type": "input_text", "text": "b"}]},
      {"type": "reasoning", "id": "rs_1", "summary": []},
      {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
       "content": [{"type": "output_text", "text": "c", "annotations": []}]}])")),
            json::parse(R"([{"role": "system", "content": "be brief"},
                            {"role": "user", "content": "a\nb"},
                            {"role": "assistant", "content": "c"}])"));
}

TEST(ResponsesAsChat, ShowsWhatThePicturesAre) {
  EXPECT_EQ(messages_of(json::parse(R"([{"role": "user", "content": [
                {"type": "input_text", "text": "what is it?"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
                {"type": "input_image", "file_id": "file_1", "image_url": null}]}])"))[0]
                                                                                      ["content"],
            json::parse(R"([{"type": "text", "text": "what is it?"},
                            {"type": "image_url", "image_url":
                             {"url": "data:image/png;base64,AA==", "detail": "low"}},
                            {"type": "image_url", "image_url": {"file_id": "file_1"}}])"));
}

TEST(ResponsesAsChat, PutsCallsIntoTheirAnswerAndResultsBehindIt) {
  EXPECT_EQ(messages_of(json::parse(R"([
      {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
      {"type": "function_call", "id": "fc_2", "call_id": "c2", "name": "g", "arguments": "[]"},
      {"type": "function_call_output", "call_id": "c1", "output": "one"},
      {"type": "function_call_output", "call_id": "c2",
       "output": [{"type": "input_text", "text": "two"}]}])")),
            json::parse(R"([
      {"role": "assistant", "content": null, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "[]"}}]},
      {"role": "tool", "tool_call_id": "c1", "content": "one"},
      {"role": "tool", "tool_call_id": "c2", "content": "two"}])"));
}

TEST(ResponsesAsChat, HasFunctionsALevelDeeperAndLeavesTheImageToolAsItIs) {
  const json chat = chat_of(json::parse(R"({"input": "hi",
      "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": null},
                {"type": "image_generation"}],
      "tool_choice": {"type": "function", "name": "f"}})"));
  EXPECT_EQ(chat["tools"], json::parse(R"([
      {"type": "function", "function": {"name": "f", "parameters": {}}},
      {"type": "image_generation"}])"));
  EXPECT_EQ(chat["tool_choice"], json::parse(R"({"type": "function", "function": {"name": "f"}})"));
  const json made = json::parse(R"({"type": "image_generation_call", "id": "ig_1_0"})");
  EXPECT_EQ(messages_of(json::array({made}))[0], made);
}

TEST(ResponsesAsChat, RefusesByNameWhatCompletionsHaveNoWordsFor) {
  const auto field = [](const char* members) {
    const auto chat = responses_as_chat(std::string(R"({"input": "hi", )") + members + "}");
    return chat ? "taken" : chat.error().field;
  };
  EXPECT_EQ(field(R"("previous_response_id": "resp_1")"), "previous_response_id");
  EXPECT_EQ(field(R"("conversation": "conv_1")"), "conversation");
  EXPECT_EQ(field(R"("background": true)"), "background");
  EXPECT_EQ(field(R"("tools": [{"type": "web_search"}])"), "tools");
  EXPECT_EQ(field(R"("tools": {})"), "tools");
  EXPECT_EQ(field(R"("tools": [7])"), "tools");
  EXPECT_EQ(field(R"("instructions": 7)"), "instructions");
  EXPECT_EQ(field(R"("store": true)"), "taken");
  for (const char* input : {"7", "[]", "null", "[7]", R"([{"type": "computer_call"}])",
                            R"([{"type": "item_reference", "id": "msg_1"}])", "[{}]"}) {
    const auto chat = responses_as_chat(std::string(R"({"input": )") + input + "}");
    ASSERT_FALSE(chat) << input;
    EXPECT_EQ(chat.error().field, "input") << input;
  }
  EXPECT_FALSE(responses_as_chat("[]"));
  const std::string deep = R"({"input": "hi", "text": )" + std::string(200, '[');
  EXPECT_EQ(responses_as_chat(deep).error().message,
            "text: the text is nested too deeply (at most 128 levels are allowed)");
}

}  // namespace
}  // namespace imagined::api::wire
