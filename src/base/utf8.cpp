#include "base/utf8.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"

namespace imagined {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

/// What the front of a text holds: a code point, or bytes that are none.
struct Sequence {
  bool is_code_point = false;
  std::size_t size_bytes = 1;  // of the code point, or of what one U+FFFD stands for
};

Sequence first_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {true, 1};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  std::size_t i = 1;
  for (; i < length && i < text.size(); ++i) {
    const bool fits = i == 1 ? byte(i) >= low && byte(i) <= high : is_continuation(text[i]);
    if (!fits) break;
  }
  return {i == length, i};
}

}  // namespace

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

std::optional<char32_t> take_code_point(std::string_view& text) {
  DCHECK(!text.empty(), "no code point in an empty text");
  const Sequence sequence = first_sequence(text);
  if (!sequence.is_code_point) return std::nullopt;
  const auto lead = static_cast<unsigned char>(text.front());
  // A lead byte of n > 1 bytes begins with n ones and a zero.
  char32_t value = sequence.size_bytes == 1 ? lead : lead & (0xFFu >> (sequence.size_bytes + 1));
  for (const char byte : text.substr(1, sequence.size_bytes - 1))
    value = (value << 6) | (static_cast<unsigned char>(byte) & 0x3Fu);
  text.remove_prefix(sequence.size_bytes);
  return value;
}

std::int64_t count_code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return !is_continuation(byte); });
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Sequence sequence = first_sequence(text);
    if (!sequence.is_code_point) return false;
    text.remove_prefix(sequence.size_bytes);
  }
  return true;
}

bool is_printable_line(std::string_view text) {
  while (!text.empty()) {
    const auto c = take_code_point(text);
    if (!c || *c < 0x20 || (*c >= 0x7F && *c <= 0x9F)) return false;
  }
  return true;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Sequence sequence = first_sequence(text);
    if (sequence.is_code_point)
      out += text.substr(0, sequence.size_bytes);
    else
      append_utf8(kReplacement, out);
    text.remove_prefix(sequence.size_bytes);
  }
  return out;
}

void append_utf8(char32_t c, std::string& out) {
  DCHECK(c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF), "U+{:04X}", static_cast<std::uint32_t>(c));
  const auto byte = [](char32_t bits) { return static_cast<char>(bits); };
  if (c < 0x80) {
    out += byte(c);
  } else if (c < 0x800) {
    out += {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  } else if (c < 0x10000) {
    out += {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  } else {
    out += {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)),
            byte(0x80 | (c & 0x3F))};
  }
}

}  // namespace imagined
