// Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace imagined {

/// Takes one code point off the front of `text`; none, and nothing taken, when the bytes there are
/// not well-formed. `text` must not be empty.
std::optional<char32_t> take_code_point(std::string_view& text);

/// Bytes that begin a code point: the number of code points of well-formed text, and a cheap
/// estimate for any other.
std::int64_t count_code_points(std::string_view text);

}  // namespace imagined
