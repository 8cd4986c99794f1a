// Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imagined {

/// Takes one code point off the front of `text`; none, and nothing taken, when the bytes there are
/// not well-formed. `text` must not be empty.
std::optional<char32_t> take_code_point(std::string_view& text);

/// Bytes that begin a code point: the number of code points of well-formed text, and a cheap
/// estimate for any other.
std::int64_t count_code_points(std::string_view text);

/// Whether the byte belongs to a code point that began before it.
bool is_continuation(char byte);

/// Whether all of the text is well-formed.
bool is_utf8(std::string_view text);

/// Whether it may be shown in a line: well-formed, without control characters (C0, DEL, C1).
bool is_printable_line(std::string_view text);

/// The text with each maximal part that is no UTF-8 replaced by U+FFFD: the longest start of a
/// sequence that could have been one becomes a single U+FFFD (Unicode 15, section 3.9).
std::string valid_utf8(std::string_view text);

/// Appends the UTF-8 of a code point, which must be one: no surrogate, at most U+10FFFF.
void append_utf8(char32_t code_point, std::string& out);

}  // namespace imagined
