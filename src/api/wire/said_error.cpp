#include "api/wire/said_error.h"

#include <nlohmann/json.hpp>

#include "api/wire/json.h"
#include "base/json.h"
#include "base/text.h"

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
  return value && value->is_object() ? said_error(*value) : std::string();
}

}  // namespace imagined::api::wire
