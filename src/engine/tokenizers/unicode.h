// The little of Unicode that a tokenizer needs: code points, their classes, and NFC.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace imagined::engine {

/// The classes that the pre-tokeniser's pattern tells apart.
enum class CharClass : std::uint8_t {
  letter,  // \p{L}
  number,  // \p{N}
  space,   // \s: White_Space
  other,
};

CharClass class_of(char32_t code_point);

/// What tekken's pattern tells apart among letters and marks.
enum class LetterCase : std::uint8_t {
  none,   // neither letter nor mark
  upper,  // \p{Lu}\p{Lt}
  lower,  // \p{Ll}
  both,   // \p{Lm}\p{Lo}\p{M}: may stand for either
};
LetterCase letter_case_of(char32_t code_point);

/// \w: letters, marks, digits, connectors and the two joiners.
bool is_word(char32_t code_point);

/// A picture or sign that stands for itself, as emoji do: \p{So}, and the tones of skin.
bool is_symbol(char32_t code_point);

/// A code point and the bytes it takes; `text` must not be empty and must be valid UTF-8.
struct CodePoint {
  char32_t value = 0;
  std::size_t size_bytes = 1;
};
CodePoint first_code_point(std::string_view text);
CodePoint last_code_point(std::string_view text);

/// Canonical composition (NFC) of valid UTF-8. Time grows like n log n in the worst case (a long
/// run of combining marks), and is that of a copy for ASCII.
std::string nfc(std::string_view text);

/// The lower-case form of each code point of valid UTF-8, whatever stands around it; U+0130 becomes
/// two, the only one to do so (Unicode's SpecialCasing.txt).
std::string lower_case(std::string_view text);

}  // namespace imagined::engine
