#include "engine/tokenizers/charsmap.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/utf8.h"
#include "engine/tokenizers/unicode.h"

namespace imagined::engine {
namespace {

// Far above published maps; they bound the work on one character, whatever the file says.
constexpr std::size_t kMaxKeyBytes = 64;
constexpr std::size_t kMaxReplacementBytes = 256;

// The bits of a unit. A value's highest bit is set, which no label's is, so that a search never
// takes it for a node.
constexpr std::uint32_t kValueBit = 1u << 31;
std::uint32_t value(std::uint32_t unit) { return unit & ~kValueBit; }
std::uint32_t label(std::uint32_t unit) { return unit & (kValueBit | 0xffu); }
bool has_value(std::uint32_t unit) { return (unit >> 8 & 1u) != 0; }
std::uint32_t offset(std::uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i)
    number |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return number;
}

tl::unexpected<Error> broken_map(std::string_view what) {
  return fail(ErrorCode::data_loss, fmt::format("the character map {}", what));
}

}  // namespace

Result<Charsmap> Charsmap::parse(std::string_view bytes) {
  if (bytes.size() < 8) return broken_map(fmt::format("has {} bytes", bytes.size()));
  const std::size_t array_bytes = read_u32(bytes);
  bytes.remove_prefix(4);
  if (array_bytes == 0 || array_bytes % 4 != 0 || array_bytes >= bytes.size())
    return broken_map(fmt::format("has an array of {} bytes and {} bytes behind its size",
                                  array_bytes, bytes.size()));
  Charsmap map;
  map.units_.reserve(array_bytes / 4);
  for (std::size_t i = 0; i < array_bytes; i += 4) map.units_.push_back(read_u32(bytes.substr(i)));
  map.replacements_ = bytes.substr(array_bytes);
  if (map.replacements_.back() != '\0') return broken_map("ends within a replacement");
  if (!is_utf8(map.replacements_)) return broken_map("has replacements that are not UTF-8");
  for (std::string_view rest = map.replacements_; !rest.empty();) {
    const std::size_t size_bytes = rest.find('\0');
    if (size_bytes > kMaxReplacementBytes)
      return broken_map(fmt::format("has a replacement of {} bytes, {} allowed", size_bytes,
                                    kMaxReplacementBytes));
    rest.remove_prefix(size_bytes + 1);
  }
  for (const std::uint32_t unit : map.units_) {
    if ((unit & kValueBit) == 0) continue;
    const std::size_t begin = value(unit);
    if (begin >= map.replacements_.size() || is_continuation(map.replacements_[begin]))
      return broken_map(fmt::format("has a replacement at {}, where none begins", begin));
  }
  return map;
}

std::optional<std::string_view> Charsmap::value_of(std::size_t unit) const {
  if (unit >= units_.size() || (units_[unit] & kValueBit) == 0) return std::nullopt;
  // parse() saw that it is a place in replacements_, which ends with a NUL.
  return std::string_view(replacements_.c_str() + value(units_[unit]));
}

Charsmap::Match Charsmap::longest_at(std::string_view text) const {
  Match longest;
  std::size_t node = offset(units_[0]);
  for (std::size_t i = 0; i < std::min(text.size(), kMaxKeyBytes); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (node >= units_.size() || label(units_[node]) != byte) break;
    const bool ends_a_key = has_value(units_[node]);
    node ^= offset(units_[node]);
    if (!ends_a_key || (i + 1 < text.size() && is_continuation(text[i + 1]))) continue;
    if (const auto replacement = value_of(node)) longest = {i + 1, *replacement};
  }
  return longest;
}

std::string Charsmap::normalize(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Match match = longest_at(text);
    const std::size_t kept = match.size_bytes > 0 ? 0 : first_code_point(text).size_bytes;
    out += text.substr(0, kept);
    out += match.replacement;
    text.remove_prefix(kept + match.size_bytes);
  }
  return out;
}

}  // namespace imagined::engine
