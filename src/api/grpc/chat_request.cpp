#include "api/grpc/chat_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include <xai/api/v1/chat.pb.h>
#include "api/grpc/unreadable.h"
#include "api/wire/relayed.h"
#include "base/json_text.h"

namespace imagined::api {
namespace {

struct NumberWord {
  int number;
  std::string_view word;
};
constexpr NumberWord kRoles[] = {
    {xai_api::ROLE_USER, "user"},     {xai_api::ROLE_ASSISTANT, "assistant"},
    {xai_api::ROLE_SYSTEM, "system"}, {xai_api::ROLE_FUNCTION, "function"},
    {xai_api::ROLE_TOOL, "tool"},     {xai_api::ROLE_DEVELOPER, "developer"},
};
constexpr NumberWord kEfforts[] = {
    {xai_api::EFFORT_NONE, "none"},     {xai_api::EFFORT_LOW, "low"},
    {xai_api::EFFORT_MEDIUM, "medium"}, {xai_api::EFFORT_HIGH, "high"},
    {xai_api::EFFORT_XHIGH, "xhigh"},
};
constexpr NumberWord kModes[] = {
    {xai_api::TOOL_MODE_AUTO, "auto"},
    {xai_api::TOOL_MODE_NONE, "none"},
    {xai_api::TOOL_MODE_REQUIRED, "required"},
};

template <class Enum, std::size_t n>
Result<std::string_view> word_for(std::string_view field, Enum number,
                                  const NumberWord (&words)[n]) {
  const auto* word = std::ranges::find(words, static_cast<int>(number), &NumberWord::number);
  if (word == std::end(words)) return not_listed(field, number);
  return word->word;
}

tl::unexpected<Error> not_offered(std::string field, std::string_view why) {
  std::string message = fmt::format("{}: {}", field, why);
  return fail(ErrorCode::unimplemented, std::move(message), std::move(field));
}

/// A schema goes on as it came; what is no JSON object would break what stands around it.
Result<std::string> schema_of(const std::string& field, const std::string& text) {
  if (text.empty()) return std::string("{}");
  const auto head = wire::read_relayed(text);
  if (!head) return fail(ErrorCode::invalid_argument, field + ": expected a JSON object", field);
  if (auto taken = wire::check_depth(*head, field + ": the schema"); !taken) {
    taken.error().field = field;
    return tl::unexpected(std::move(taken.error()));
  }
  return text;
}

Result<JsonText> part_of(const std::string& where, const xai_api::Content& content) {
  if (content.has_text()) return JsonText::object({{"type", "text"}, {"text", content.text()}});
  if (!content.has_image_url())
    return not_offered(where, "a message is made of texts and pictures here");
  const xai_api::ImageUrlContent& picture = content.image_url();
  const JsonText source = picture.file_id().empty()
                              ? JsonText::object({{"url", picture.image_url()}})
                              : JsonText::object({{"file_id", picture.file_id()}});
  return JsonText::object({{"type", "image_url"}, {"image_url", source}});
}

Result<JsonText> content_of(const std::string& where, const xai_api::Message& message) {
  if (message.content_size() == 1 && message.content(0).has_text())
    return JsonText(message.content(0).text());
  JsonText parts = JsonText::array();
  for (int i = 0; i < message.content_size(); ++i)
    parts.push(TRY(part_of(fmt::format("{}.content[{}]", where, i), message.content(i))));
  return parts;
}

Result<JsonText> message_of(const std::string& where, const xai_api::Message& message) {
  const auto role = TRY(word_for(where + ".role", message.role(), kRoles));
  const JsonText content = TRY(content_of(where, message));
  JsonText value = JsonText::object({{"role", role}, {"content", content}});
  if (!message.name().empty()) value.add("name", message.name());
  if (message.has_tool_call_id()) value.add("tool_call_id", message.tool_call_id());
  JsonText calls = JsonText::array();
  for (const xai_api::ToolCall& call : message.tool_calls()) {
    const JsonText function = JsonText::object(
        {{"name", call.function().name()}, {"arguments", call.function().arguments()}});
    calls.push(JsonText::object({{"id", call.id()}, {"type", "function"}, {"function", function}}));
  }
  if (message.tool_calls_size() > 0) value.add("tool_calls", calls);
  return value;
}

/// `,"tools":[...]`, or nothing.
Result<std::string> tools_of(const xai_api::GetCompletionsRequest& request) {
  std::string tools;
  for (int i = 0; i < request.tools_size(); ++i) {
    const std::string where = fmt::format("tools[{}]", i);
    if (request.tools(i).has_image_generation())
      return not_offered(where, "image_generation is a tool of /v1/responses here");
    if (!request.tools(i).has_function())
      return not_offered(where, "tools are functions of the client's here");
    const xai_api::Function& function = request.tools(i).function();
    const std::string schema =
        TRY(schema_of(where + ".function.parameters", function.parameters()));
    JsonText value =
        JsonText::object({{"name", function.name()}, {"description", function.description()}});
    if (function.strict()) value.add("strict", true);
    std::string text = value.text();
    text.pop_back();
    tools += fmt::format(R"({}{{"type":"function","function":{},"parameters":{}}}}})",
                         tools.empty() ? "" : ",", text, schema);
  }
  return tools.empty() ? tools : R"(,"tools":[)" + tools + "]";
}

/// `,"response_format":{...}`, or nothing.
Result<std::string> format_of(const xai_api::GetCompletionsRequest& request) {
  const xai_api::ResponseFormat& format = request.response_format();
  switch (format.format_type()) {
    case xai_api::FORMAT_TYPE_JSON_OBJECT:
      return std::string(R"(,"response_format":{"type":"json_object"})");
    case xai_api::FORMAT_TYPE_JSON_SCHEMA: {
      const std::string schema = TRY(schema_of("response_format.schema", format.schema()));
      return fmt::format(
          R"(,"response_format":{{"type":"json_schema","json_schema":{{"name":"answer","schema":{}}}}})",
          schema);
    }
    default:
      return std::string();
  }
}

Result<void> check_offered(const xai_api::GetCompletionsRequest& request) {
  if (request.store_messages() || request.use_encrypted_content())
    return not_offered("store_messages", "conversations are not kept here");
  if (request.logprobs()) return not_offered("logprobs", "told by /v1/chat/completions alone");
  if (request.has_search_parameters())
    return not_offered("search_parameters", "nothing is searched for here");
  if (request.guidelines_size() > 0)
    return not_offered("guidelines", "what is moderated is the policy of this server");
  return {};
}

}  // namespace

Result<std::string> completion_body(const xai_api::GetCompletionsRequest& request,
                                    const std::string& model) {
  TRY(check_offered(request));
  JsonText messages = JsonText::array();
  for (int i = 0; i < request.messages_size(); ++i)
    messages.push(TRY(message_of(fmt::format("messages[{}]", i), request.messages(i))));
  JsonText body = JsonText::object({{"model", model}, {"messages", messages}});
  if (request.has_n()) body.add("n", request.n());
  if (request.has_max_tokens()) body.add("max_tokens", request.max_tokens());
  if (request.has_seed()) body.add("seed", request.seed());
  if (request.stop_size() > 0) body.add("stop", JsonText::array_of(request.stop()));
  const auto add_number = [&body](const char* name, bool is_given, float number) {
    if (is_given) body.add(name, static_cast<double>(number));
  };
  add_number("temperature", request.has_temperature(), request.temperature());
  add_number("top_p", request.has_top_p(), request.top_p());
  add_number("frequency_penalty", request.has_frequency_penalty(), request.frequency_penalty());
  add_number("presence_penalty", request.has_presence_penalty(), request.presence_penalty());
  if (request.has_reasoning_effort() && request.reasoning_effort() != 0)
    body.add("reasoning_effort",
             TRY(word_for("reasoning_effort", request.reasoning_effort(), kEfforts)));
  if (request.has_parallel_tool_calls())
    body.add("parallel_tool_calls", request.parallel_tool_calls());
  if (request.has_previous_response_id())
    body.add("previous_response_id", request.previous_response_id());
  if (!request.user().empty()) body.add("user", request.user());
  if (const xai_api::ToolChoice& choice = request.tool_choice(); !choice.function_name().empty())
    body.add(
        "tool_choice",
        JsonText::object({{"type", "function"},
                          {"function", JsonText::object({{"name", choice.function_name()}})}}));
  else if (choice.mode() != 0)
    body.add("tool_choice", TRY(word_for("tool_choice", choice.mode(), kModes)));
  const std::string tools = TRY(tools_of(request));
  const std::string format = TRY(format_of(request));
  std::string text = body.text();
  text.pop_back();
  return text + tools + format + "}";
}

}  // namespace imagined::api
