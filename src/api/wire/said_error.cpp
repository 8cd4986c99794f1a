#include "api/wire/said_error.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "api/wire/json.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

constexpr std::size_t kSaidBytesMax = 400;

std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  text = std::string(trim(text));
  if (text.size() <= kSaidBytesMax) return text;
  std::size_t end = kSaidBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string without_tags(std::string_view html) {
  std::string text;
  bool is_tag = false;
  for (const char c : html) {
    if (c == '<') is_tag = true;
    if (!is_tag) text += c;
    if (c == '>') is_tag = false;
  }
  return text;
}

/// What stands in an element, without regard to the case of its name.
std::optional<std::string_view> inside_of(std::string_view page, std::string_view name) {
  const std::string lower = ascii_lower(page);
  const auto tag = lower.find("<" + std::string(name));
  if (tag == std::string::npos) return std::nullopt;
  const auto begin = lower.find('>', tag);
  const auto end = lower.find("</", tag);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return std::nullopt;
  return page.substr(begin + 1, end - begin - 1);
}

std::string said_on_page(std::string_view page) {
  constexpr std::size_t kLookedAtBytes = 8 * 1024;
  page = page.substr(0, kLookedAtBytes);
  for (const char* name : {"title", "h1"})
    if (const auto inner = inside_of(page, name))
      if (std::string said = one_line(valid_utf8(without_tags(*inner))); !said.empty()) return said;
  const std::string text = without_tags(page);
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = rest.find('\n');
    std::string line = one_line(valid_utf8(rest.substr(0, end)));
    if (!line.empty()) return line;
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return {};
}

}  // namespace

std::string said_error(const json& value) {
  if (value.is_string()) return one_line(value.get<std::string>());
  if (!value.is_object()) return {};
  for (const char* name : {"error", "message", "detail", "response"})
    if (std::string said = said_error(member(value, name)); !said.empty()) return said;
  return {};
}

std::string said_error_in(std::string_view body) {
  const auto value = parse_json(body, {.depth_max = kJsonDepthMax});
  if (value) return value->is_object() ? said_error(*value) : std::string();
  return is_json(body) ? std::string() : said_on_page(body);
}

std::optional<Error> error_instead_of_answer(const json& answer) {
  if (!answer.is_object()) return std::nullopt;
  const json& error = member(answer, "error");
  if (error.is_null() || error == false || error == "") return std::nullopt;
  return Error{.code = ErrorCode::unavailable,
               .message = fmt::format("the server that has the model says: {}", said_error(error)),
               .field = "model",
               .retry = Retry::no};
}

std::optional<Error> error_instead_of_answer(std::string_view body) {
  const auto answer = parse_json(body, kTalkLimits);
  if (!answer || !answer->is_object() || member(*answer, "object") == "response")
    return std::nullopt;
  return error_instead_of_answer(*answer);
}

bool may_tell_an_error(std::string_view body) {
  constexpr std::string_view kName = "\"error\"";
  for (auto at = body.find(kName); at != std::string_view::npos; at = body.find(kName, at + 1)) {
    std::string_view rest = trim(body.substr(at + kName.size()));
    if (!rest.starts_with(':')) continue;
    rest.remove_prefix(1);
    if (!trim(rest).starts_with("null")) return true;
  }
  return false;
}

bool is_json(std::string_view body) { return json::accept(body.begin(), body.end()); }

}  // namespace imagined::api::wire
