#include "service/pictures/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace imagined::service {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// White space and characters without ink (Unicode 15: White_Space, Default_Ignorable_Code_Point,
// and the empty Braille cell). A prompt of these alone asks for nothing.
constexpr std::array kInvisible = {
    Range{0x09, 0x0D},       Range{0x20, 0x20},       Range{0xA0, 0xA0},
    Range{0xAD, 0xAD},       Range{0x34F, 0x34F},     Range{0x61C, 0x61C},
    Range{0x115F, 0x1160},   Range{0x1680, 0x1680},   Range{0x17B4, 0x17B5},
    Range{0x180B, 0x180F},   Range{0x2000, 0x200F},   Range{0x2028, 0x202F},
    Range{0x205F, 0x206F},   Range{0x2800, 0x2800},   Range{0x3000, 0x3000},
    Range{0x3164, 0x3164},   Range{0xFE00, 0xFE0F},   Range{0xFEFF, 0xFEFF},
    Range{0xFFA0, 0xFFA0},   Range{0xFFF0, 0xFFF8},   Range{0x1BCA0, 0x1BCA3},
    Range{0x1D173, 0x1D17A}, Range{0xE0000, 0xE0FFF},
};

bool is_invisible(char32_t c) {
  return std::ranges::any_of(kInvisible,
                             [c](Range range) { return c >= range.first && c <= range.last; });
}

bool is_refused_control(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return c < 0x20 || (c >= 0x7F && c <= 0x9F);
}

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message), "prompt");
}

/// Encoded surrogates ("\xED\xA0\x80") come from broken UTF-16 and deserve a name of their own.
bool is_surrogate(std::string_view bytes) {
  return bytes.size() >= 2 && bytes[0] == '\xED' && static_cast<unsigned char>(bytes[1]) >= 0xA0;
}

}  // namespace

Result<Prompt> Prompt::parse(std::string_view text, int max_code_points) {
  // Bytes that are no characters are not counted, but four bytes are at most one character.
  const bool too_long = static_cast<std::int64_t>(text.size()) / 4 > max_code_points ||
                        count_code_points(text) > max_code_points;
  if (too_long)  // the words of the hosted API, which clients look for
    return refuse(fmt::format("Prompt len is larger than the maximum allowed length which is {}",
                              max_code_points));
  bool visible = false;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t position = text.size() - rest.size();
    const auto c = take_code_point(rest);
    if (!c && is_surrogate(rest))
      return refuse(fmt::format("prompt has a lone surrogate at byte {}", position));
    if (!c) return refuse(fmt::format("prompt is not valid UTF-8 at byte {}", position));
    if (is_refused_control(*c))
      return refuse(fmt::format("prompt has the control character U+{:04X} at byte {}",
                                static_cast<std::uint32_t>(*c), position));
    visible = visible || !is_invisible(*c);
  }
  if (!visible) return refuse("prompt is empty, expected at least one visible character");
  return Prompt(std::string(text));
}

}  // namespace imagined::service
