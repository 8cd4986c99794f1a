#include "api/wire/answer_parts.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagined::api::wire {
namespace {

using nlohmann::json;

json response_to(const json& request) {
  return json::parse(
      response_value({.id = "resp_1", .model = "m", .echo = echo_of(request.dump())}, "completed")
          .text());
}

TEST(ResponseEcho, RepeatsWhatWasAskedFor) {
  const json request = json::parse(R"({
      "instructions": "be \"brief\"", "max_output_tokens": 9, "metadata": {"a": "\u00e9"},
      "parallel_tool_calls": false, "reasoning": {"effort": "low"}, "temperature": 0.5,
      "top_p": 1, "tool_choice": {"type": "function", "name": "f"},
      "text": {"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}}},
      "tools": [{"type": "function", "name": "f", "strict": true,
                 "parameters": {"type": "object", "properties": {"n": {"minimum": -1}}}},
                {"type": "image_generation", "size": "auto"}]})");
  const json response = response_to(request);
  for (const auto& [name, value] : request.items()) EXPECT_EQ(response[name], value) << name;
}

TEST(ResponseEcho, HasTheUsualValuesOfWhatWasNot) {
  const json usual = json::parse(R"({
      "instructions": null, "max_output_tokens": null, "metadata": {}, "parallel_tool_calls": true,
      "reasoning": null, "temperature": null, "text": {"format": {"type": "text"}},
      "tool_choice": "auto", "tools": [], "top_p": null})");
  const json nulls = json::parse(R"({"tools": null, "tool_choice": null, "text": null})");
  for (const json& request : {json::object(), nulls, json{{"model", "m"}, {"input", "hi"}}}) {
    const json response = response_to(request);
    for (const auto& [name, value] : usual.items()) EXPECT_EQ(response[name], value) << name;
    EXPECT_FALSE(response.contains("input"));
  }
}

TEST(ResponseEcho, AddsTheMembersThatClientsExpect) {
  const json response = response_to(json::parse(R"({
      "text": {"verbosity": "low"}, "tools": [{"type": "function", "name": "f"}]})"));
  EXPECT_EQ(response["text"], json::parse(R"({"format": {"type": "text"}, "verbosity": "low"})"));
  EXPECT_EQ(response["tools"], json::parse(R"([{"type": "function", "name": "f", "strict": null,
                                                "parameters": null}])"));
}

}  // namespace
}  // namespace imagined::api::wire
