#include "engine/formats/in_quotes.h"

#include <fmt/core.h>

namespace imagined::engine {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShownBytes = 120;
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    // Never in the middle of a UTF-8 sequence.
    if (i >= kShownBytes && (byte & 0xc0u) != 0x80u) {
      out += "...";
      break;
    }
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace imagined::engine
