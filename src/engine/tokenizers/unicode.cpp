#include "engine/tokenizers/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"

namespace imagined::engine {
namespace {

constexpr char32_t kReplacement = 0xfffd;

// The property White_Space, which is what \s means in the pattern's regular expressions; the
// separators' category would lack the control characters.
bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

CharClass look_up(char32_t c) {
  if (is_white_space(c)) return CharClass::space;
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO)
    return CharClass::letter;
  if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO)
    return CharClass::number;
  return CharClass::other;
}

void append_utf8(char32_t c, std::string& out) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const utf8proc_ssize_t count =
      utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes.data());
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(count));
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0u) == 0x80u; }

/// How many bytes at the front of `text` form one code point, or 0; `broken` then is how many to
/// replace by one U+FFFD: the longest start of a sequence that could have been one.
struct Sequence {
  std::size_t good = 0;
  std::size_t broken = 1;
};
Sequence first_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, 0};
  if (lead < 0xc2 || lead > 0xf4) return {};
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  std::size_t i = 1;
  for (; i < length && i < text.size(); ++i) {
    const bool fits = i == 1 ? byte(i) >= low && byte(i) <= high : is_continuation(text[i]);
    if (!fits) break;
  }
  return i == length ? Sequence{length, 0} : Sequence{0, i};
}

}  // namespace

CharClass class_of(char32_t code_point) {
  static const std::array<CharClass, 128> ascii = [] {
    std::array<CharClass, 128> table{};
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = look_up(static_cast<char32_t>(i));
    return table;
  }();
  return code_point < ascii.size() ? ascii[code_point] : look_up(code_point);
}

bool is_word(char32_t c) {
  if (c == 0x200c || c == 0x200d) return true;
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NL) ||
         category == UTF8PROC_CATEGORY_PC;
}

CodePoint first_code_point(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  const std::size_t size_bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t value = lead & (0xffu >> (size_bytes + 1));
  for (std::size_t i = 1; i < size_bytes; ++i)
    value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
  return {value, size_bytes};
}

CodePoint last_code_point(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && is_continuation(text[begin])) --begin;
  return first_code_point(text.substr(begin));
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Sequence sequence = first_sequence(text);
    if (sequence.good > 0)
      out += text.substr(0, sequence.good);
    else
      append_utf8(kReplacement, out);
    text.remove_prefix(std::max(sequence.good, sequence.broken));
  }
  return out;
}

std::string nfc(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  std::vector<utf8proc_int32_t> points;
  points.reserve(text.size());
  constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  while (!text.empty()) {
    const CodePoint next = first_code_point(text);
    text.remove_prefix(next.size_bytes);
    std::array<utf8proc_int32_t, 8> parts{};  // the longest canonical decomposition has 4
    int boundary_class = 0;
    const utf8proc_ssize_t count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(next.value), parts.data(),
        static_cast<utf8proc_ssize_t>(parts.size()), kOptions, &boundary_class);
    CHECK(count >= 0 && count <= static_cast<utf8proc_ssize_t>(parts.size()),
          "decomposition of U+{:04X}: {}", static_cast<std::uint32_t>(next.value), count);
    points.insert(points.end(), parts.begin(), parts.begin() + count);
  }
  // utf8proc orders marks by exchanging neighbours, quadratic in the length of a run; sorting the
  // runs here leaves it nothing to do.
  const auto combining_class = [](utf8proc_int32_t c) {
    return utf8proc_get_property(c)->combining_class;
  };
  for (auto begin = points.begin(); begin != points.end();) {
    begin = std::find_if(begin, points.end(),
                         [&](utf8proc_int32_t c) { return combining_class(c) != 0; });
    const auto end = std::find_if(begin, points.end(),
                                  [&](utf8proc_int32_t c) { return combining_class(c) == 0; });
    std::stable_sort(begin, end, [&](utf8proc_int32_t a, utf8proc_int32_t b) {
      return combining_class(a) < combining_class(b);
    });
    begin = end;
  }
  const utf8proc_ssize_t length = utf8proc_normalize_utf32(
      points.data(), static_cast<utf8proc_ssize_t>(points.size()), kOptions);
  std::string out;
  for (utf8proc_ssize_t i = 0; i < length; ++i)
    append_utf8(static_cast<char32_t>(points[static_cast<std::size_t>(i)]), out);
  return out;
}

}  // namespace imagined::engine
