#include "engine/tokenizers/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"

namespace imagined::engine {
namespace {

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

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
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

LetterCase letter_case_of(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
      return LetterCase::upper;
    case UTF8PROC_CATEGORY_LL:
      return LetterCase::lower;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return LetterCase::both;
    default:
      return LetterCase::none;
  }
}

bool is_word(char32_t c) {
  if (c == 0x200c || c == 0x200d) return true;
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NL) ||
         category == UTF8PROC_CATEGORY_PC;
}

bool is_symbol(char32_t c) {
  return (c >= 0x1f3fb && c <= 0x1f3ff) ||
         utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_SO;
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

std::string lower_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint next = first_code_point(text);
    text.remove_prefix(next.size_bytes);
    append_utf8(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(next.value))),
                out);
    constexpr char32_t kDotAbove = 0x307;
    if (next.value == 0x130) append_utf8(kDotAbove, out);
  }
  return out;
}

}  // namespace imagined::engine
