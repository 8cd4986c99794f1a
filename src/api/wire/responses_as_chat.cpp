#include "api/wire/responses_as_chat.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/wire/conversation.h"
#include "api/wire/json.h"
#include "base/json.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

// Of the conversation and its keeping: they have no other name in completions.
constexpr std::string_view kLeftOut[] = {
    "input",          "instructions", "text",       "reasoning",  "max_output_tokens",
    "store",          "include",      "truncation", "metadata",   "stream_options",
    "max_tool_calls", "top_logprobs", "tools",      "tool_choice"};
constexpr std::string_view kNotKept[] = {"previous_response_id", "conversation", "prompt",
                                         "background"};

tl::unexpected<Error> no_words_for(std::string field, std::string_view what,
                                   ErrorCode code = ErrorCode::invalid_argument) {
  std::string message = fmt::format("{}: {}", field, what);
  return fail(code, std::move(message), std::move(field));
}

/// `value` of an object without what is null.
json without_nulls(json value) {
  for (auto each = value.begin(); each != value.end();)
    each = each->is_null() ? value.erase(each) : std::next(each);
  return value;
}

bool is_text(const json& part) {
  const std::string type = part.is_object() ? string_in(part, "type") : std::string();
  return type == "input_text" || type == "output_text" || type == "text" || type == "refusal";
}

/// Every text of a content. Small servers know texts alone, so no list where that is all there is.
std::string joined_texts(const json& parts) {
  std::string text;
  for (const json& part : parts) {
    if (!text.empty()) text += '\n';
    text += string_in(part, string_in(part, "type") == "refusal" ? "refusal" : "text");
  }
  return text;
}

json part_in_chat(const json& part) {
  if (is_text(part)) return {{"type", "text"}, {"text", string_in(part, "text")}};
  const std::string type = part.is_object() ? string_in(part, "type") : std::string();
  if (type == "input_image") {
    const json& url = member(part, "image_url");
    json picture = {{"url", url.is_object() ? member(url, "url") : url},
                    {"file_id", member(part, "file_id")},
                    {"detail", member(part, "detail")}};
    return {{"type", "image_url"}, {"image_url", without_nulls(std::move(picture))}};
  }
  if (type == "input_file") {
    json file = part;
    file.erase("type");
    return {{"type", "file"}, {"file", without_nulls(std::move(file))}};
  }
  return part;
}

json content_in_chat(const json& content) {
  if (!content.is_array()) return content;
  if (std::ranges::all_of(content, is_text)) return joined_texts(content);
  json parts = json::array();
  for (const json& part : content) parts.push_back(part_in_chat(part));
  return parts;
}

class Messages {
 public:
  void say(std::string_view role, json content) {
    is_answer_ = role == "assistant";
    // What came with reasoning models; those before them know it as the system's.
    messages_.push_back({{"role", role == "developer" ? "system" : role}, {"content", content}});
  }

  Result<void> add(const json& item) {
    if (item.is_string()) {
      say("user", item);
      return {};
    }
    if (!item.is_object())
      return no_words_for("input", fmt::format("expected items, got {}", shown(item)),
                          ErrorCode::unprocessable);
    const std::string type = string_in(item, "type");
    const std::string role = string_in(item, "role");
    is_answer_ = is_answer_ && type == "function_call";
    if (type == "message" || (type.empty() && !role.empty()))
      say(role, content_in_chat(member(item, "content")));
    else if (type == "function_call")
      add_call(item);
    else if (type == "function_call_output")
      messages_.push_back({{"role", "tool"},
                           {"tool_call_id", string_in(item, "call_id")},
                           {"content", content_in_chat(member(item, "output"))}});
    else if (type == "image_generation_call" ||
             (type == "item_reference" && string_in(item, "id").starts_with("ig_")))
      messages_.push_back(item);
    else if (type == "item_reference")
      return no_words_for("input", fmt::format("answers are not kept here, so there is no {}; send "
                                               "the item itself, as clients do with store = false",
                                               shown(member(item, "id"))));
    else if (type != "reasoning")
      return no_words_for(
          "input", fmt::format("the server that has the model knows /v1/chat/completions alone, "
                               "which has no items of the type {}",
                               shown(type.empty() ? item : json(type))));
    return {};
  }

  json take() { return std::move(messages_); }

 private:
  /// Calls of one answer are of one message.
  void add_call(const json& item) {
    if (!is_answer_) say("assistant", nullptr);
    messages_.back()["tool_calls"].push_back(
        {{"id", string_in(item, "call_id")},
         {"type", "function"},
         {"function",
          {{"name", string_in(item, "name")}, {"arguments", string_in(item, "arguments")}}}});
  }

  json messages_ = json::array();
  bool is_answer_ = false;  // the last one, and a call that follows is of it
};

Result<json> messages_of(const json& body) {
  TRY(check_messages(body, ChatApi::responses));
  Messages messages;
  if (const json& said = member(body, "instructions"); !said.is_null()) {
    if (!said.is_string())
      return no_words_for("instructions", fmt::format("expected a text, got {}", shown(said)),
                          ErrorCode::unprocessable);
    messages.say("system", said);
  }
  const json& input = member(body, "input");
  if (input.is_string())
    messages.say("user", input);
  else
    for (const json& item : input) TRY(messages.add(item));
  return messages.take();
}

/// A function as completions have it: one level deeper.
json function_in_chat(json tool) {
  if (tool.contains("function")) return tool;
  tool.erase("type");
  return {{"type", "function"}, {"function", without_nulls(std::move(tool))}};
}

Result<json> tools_of(const json& all) {
  if (!all.is_array())
    return no_words_for("tools", fmt::format("expected a list, got {}", shown(all)),
                        ErrorCode::unprocessable);
  json tools = json::array();
  for (const json& tool : all) {
    const std::string type = tool.is_object() ? string_in(tool, "type") : std::string();
    if (type != "function" && type != "image_generation")
      return no_words_for(
          "tools", fmt::format("the server that has the model knows /v1/chat/completions alone, "
                               "which has functions, and not {}",
                               shown(type.empty() ? tool : json(type))));
    tools.push_back(type == "function" ? function_in_chat(tool) : tool);
  }
  return tools;
}

/// The form of the answer: a schema is one level deeper, plain text is what comes anyway.
json response_format_of(const json& format) {
  const std::string type = format.is_object() ? string_in(format, "type") : std::string();
  if (type == "text") return nullptr;
  if (type != "json_schema") return format;
  json schema = format;
  schema.erase("type");
  return {{"type", type}, {"json_schema", without_nulls(std::move(schema))}};
}

}  // namespace

Result<std::string> responses_as_chat(std::string_view text) {
  const json body = TRY(parse_json_object(text, kTalkLimits));
  for (const std::string_view name : kNotKept)
    if (const json& value = member(body, name); !value.is_null() && value != false)
      return no_words_for(std::string(name),
                          "the server that has the model knows /v1/chat/completions alone, where "
                          "nothing is kept; send the items again");
  json chat = body;
  for (const std::string_view name : kLeftOut) chat.erase(std::string(name));
  for (const std::string_view name : kNotKept) chat.erase(std::string(name));
  const auto put = [&chat](const char* name, json value) {
    if (!value.is_null()) chat[name] = std::move(value);
  };
  put("messages", TRY(messages_of(body)));
  if (const json& tools = member(body, "tools"); !tools.is_null())
    put("tools", TRY(tools_of(tools)));
  const json& choice = member(body, "tool_choice");
  put("tool_choice", choice.is_object() && string_in(choice, "type") == "function"
                         ? function_in_chat(choice)
                         : choice);
  // `max_tokens`: the newer name is known to few of those that have completions alone.
  put("max_tokens", member(body, "max_output_tokens"));
  if (const json& form = member(body, "text"); form.is_object()) {
    put("response_format", response_format_of(member(form, "format")));
    put("verbosity", member(form, "verbosity"));
  }
  if (const json& reasoning = member(body, "reasoning"); reasoning.is_object())
    put("reasoning_effort", member(reasoning, "effort"));
  return chat.dump();
}

}  // namespace imagined::api::wire
