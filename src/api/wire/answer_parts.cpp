#include "api/wire/answer_parts.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "api/wire/errors.h"
#include "base/crypto.h"

namespace imagined::api::wire {

std::string markdown_picture(std::string_view prompt, std::string_view url) {
  constexpr std::size_t kAltBytesMax = 80;
  std::size_t size = std::min(prompt.size(), kAltBytesMax);
  // Whole code points: the cut is not before a byte that continues one.
  while (size < prompt.size() && size > 0 &&
         (static_cast<unsigned char>(prompt[size]) & 0xC0) == 0x80)
    --size;
  std::string alt;
  for (const char c : prompt.substr(0, size))
    alt += c == '[' || c == ']' || c == '\n' || c == '\r' ? ' ' : c;
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

JsonText response_value(const ResponseHead& head, std::string_view status) {
  const std::string& previous = head.previous_response_id;
  const JsonText format = JsonText::object({{"format", JsonText::object({{"type", "text"}})}});
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
       {"instructions", nullptr},
       {"metadata", JsonText::object()},
       {"parallel_tool_calls", true},
       {"temperature", nullptr},
       {"top_p", nullptr},
       {"text", format},
       {"tool_choice", "auto"},
       {"tools", JsonText::array()},
       {"store", head.is_kept}});
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
