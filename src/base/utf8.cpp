#include "base/utf8.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"

namespace imagined {
namespace {

struct Lead {
  std::size_t size_bytes;
  char32_t bits;    // payload of the first byte
  char32_t lowest;  // smaller values have a shorter form
};

std::optional<Lead> read_lead(unsigned char byte) {
  if (byte < 0x80) return Lead{1, byte, 0};
  if (byte >= 0xC0 && byte < 0xE0) return Lead{2, byte & 0x1Fu, 0x80};
  if (byte >= 0xE0 && byte < 0xF0) return Lead{3, byte & 0x0Fu, 0x800};
  if (byte >= 0xF0 && byte < 0xF8) return Lead{4, byte & 0x07u, 0x10000};
  return std::nullopt;
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

std::optional<char32_t> take_code_point(std::string_view& text) {
  DCHECK(!text.empty(), "no code point in an empty text");
  const auto lead = read_lead(static_cast<unsigned char>(text.front()));
  if (!lead || lead->size_bytes > text.size()) return std::nullopt;
  char32_t value = lead->bits;
  for (const char byte : text.substr(1, lead->size_bytes - 1)) {
    if (!is_continuation(byte)) return std::nullopt;
    value = (value << 6) | (static_cast<unsigned char>(byte) & 0x3Fu);
  }
  const bool is_surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < lead->lowest || value > 0x10FFFF || is_surrogate) return std::nullopt;
  text.remove_prefix(lead->size_bytes);
  return value;
}

std::int64_t count_code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return !is_continuation(byte); });
}

}  // namespace imagined
