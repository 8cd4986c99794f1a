#include "api/wire/answer_parts.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/wire/errors.h"
#include "api/wire/json.h"
#include "api/wire/relayed.h"
#include "base/crypto.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

JsonText as_text(const json& value) {
  switch (value.type()) {
    case json::value_t::object: {
      JsonText object = JsonText::object();
      for (const auto& [name, each] : value.items()) object.add(name, as_text(each));
      return object;
    }
    case json::value_t::array: {
      JsonText list = JsonText::array();
      for (const json& each : value) list.push(as_text(each));
      return list;
    }
    case json::value_t::string:
      return value.get_ref<const std::string&>();
    case json::value_t::boolean:
      return value.get<bool>();
    case json::value_t::number_integer:
      return value.get<std::int64_t>();
    case json::value_t::number_unsigned:
      return value.get<std::uint64_t>();
    case json::value_t::number_float:
      return value.get<double>();
    case json::value_t::null:
    case json::value_t::binary:
    case json::value_t::discarded:
      break;
  }
  return {};
}

/// With the members that OpenAI's types have always.
json whole_in_echo(std::string_view name, json value) {
  if (name == "text" && value.is_object() && member(value, "format").is_null())
    value["format"] = {{"type", "text"}};
  if (name != "tools" || !value.is_array()) return value;
  for (json& tool : value) {
    if (!tool.is_object() || member(tool, "type") != "function" || !tool.contains("name")) continue;
    for (const char* each : {"parameters", "strict"})
      if (!tool.contains(each)) tool[each] = nullptr;
  }
  return value;
}

}  // namespace

std::string markdown_picture(std::string_view prompt, std::string_view url) {
  constexpr std::size_t kAltBytesMax = 80;
  std::size_t size = std::min(prompt.size(), kAltBytesMax);
  // Whole code points: the cut is not before a byte that continues one.
  while (size < prompt.size() && size > 0 &&
         (static_cast<unsigned char>(prompt[size]) & 0xC0) == 0x80)
    --size;
  // What would end the text, or hide its end from a reader of Markdown: an escape, code, a tag.
  constexpr std::string_view kMeaning = "[]\\`<>\n\r";
  std::string alt(prompt.substr(0, size));
  for (char& c : alt)
    if (kMeaning.find(c) != std::string_view::npos) c = ' ';
  return fmt::format("![{}]({})", alt, url);
}

std::string data_url_of(const EventPicture& picture) {
  std::string url = fmt::format("data:{};base64,", mime_type(picture.format));
  url.reserve(url.size() + base64_size(picture.file.size()));
  append_base64(picture.file, url);
  return url;
}

std::string plain_event(const JsonText& data) { return "data: " + data.text() + "\n\n"; }

JsonText image_entry(std::string_view url, std::int64_t index) {
  return JsonText::object(
      {{"type", "image_url"}, {"image_url", JsonText::object({{"url", url}})}, {"index", index}});
}

JsonText text_part(std::string_view text) {
  return JsonText::object({{"type", "output_text"},
                           {"text", text},
                           {"annotations", JsonText::array()},
                           {"logprobs", JsonText::array()}});
}

JsonText message_item(std::string_view id, std::string_view status, const JsonText& content) {
  return JsonText::object({{"id", id},
                           {"type", "message"},
                           {"status", status},
                           {"role", "assistant"},
                           {"content", content}});
}

JsonText picture_item(std::string_view id, std::string_view status, std::string_view prompt,
                      const JsonText& result) {
  return JsonText::object({{"id", id},
                           {"type", "image_generation_call"},
                           {"status", status},
                           {"prompt", prompt},
                           {"result", result}});
}

ResponseEcho echo_of(std::string_view body) {
  ResponseEcho echo = {
      {"instructions", {}},
      {"max_output_tokens", {}},
      {"metadata", JsonText::object()},
      {"parallel_tool_calls", true},
      {"reasoning", {}},
      {"temperature", {}},
      {"text", JsonText::object({{"format", JsonText::object({{"type", "text"}})}})},
      {"tool_choice", "auto"},
      {"tools", JsonText::array()},
      {"top_p", {}}};
  for (const auto& [name, text] : members_of(body)) {
    const auto place = std::ranges::find(echo, name, &JsonText::Member::first);
    if (place == echo.end()) continue;
    const auto value = parse_json(text, kTalkLimits);
    if (value && !value->is_null()) place->second = as_text(whole_in_echo(name, *value));
  }
  return echo;
}

std::size_t size_of(const ResponseEcho& echo) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : echo) bytes += value.text().size();
  return bytes;
}

JsonText response_value(const ResponseHead& head, std::string_view status) {
  const std::string& previous = head.previous_response_id;
  JsonText value = JsonText::object(
      {{"id", head.id},
       {"object", "response"},
       {"created_at", head.created_unix_s},
       {"status", status},
       {"model", head.model},
       {"previous_response_id", previous.empty() ? JsonText() : JsonText(previous)},
       {"incomplete_details", head.incomplete_reason.empty()
                                  ? JsonText()
                                  : JsonText::object({{"reason", head.incomplete_reason}})},
       {"store", head.is_kept}});
  for (const auto& [name, repeated] : head.echo) value.add(name, repeated);
  if (status == "in_progress") value.add("error", nullptr);
  if (status == "in_progress" || status == "failed")
    value.add("output", JsonText::array()).add("usage", nullptr);
  return value;
}

std::string numbered_event(std::string_view type, JsonText data, std::int64_t& sequence) {
  data.add("type", type).add("sequence_number", sequence++);
  return named_event(type, data.text());
}

std::string failed_response_events(const ResponseHead& head, const Error& error,
                                   std::int64_t& sequence) {
  JsonText whole = response_value(head, "failed");
  const JsonText reason =
      JsonText::object({{"code", error_row(error.code).slug}, {"message", error.message}});
  whole.add("error", reason);
  const JsonText data =
      JsonText::object({{"code", error_row(error.code).slug},
                        {"message", error.message},
                        {"param", error.field.empty() ? JsonText() : JsonText(error.field)},
                        {"error", error_value(error)}});
  std::string events =
      numbered_event("response.failed", JsonText::object({{"response", whole}}), sequence);
  return events += numbered_event("error", data, sequence);
}

}  // namespace imagined::api::wire
