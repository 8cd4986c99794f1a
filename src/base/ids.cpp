#include "base/ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

#include "base/check.h"
#include "base/crypto.h"

namespace imagined {

namespace {

constexpr std::size_t kDashes[] = {8, 13, 18, 23};
constexpr std::size_t kTimeLetters = 13;  // the 48 bits of time and their dash

std::string written(std::span<std::uint8_t, 16> bytes) {
  bytes[6] = static_cast<std::uint8_t>(0x70 | (bytes[6] & 0x0f));  // version 7
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));  // variant of RFC 9562
  std::string text = to_hex(bytes);
  for (const std::size_t position : kDashes) text.insert(position, "-");
  return text;
}

}  // namespace

std::string make_uuid(const Clock& clock) {
  std::array<std::uint8_t, 16> bytes;
  random_bytes(bytes);
  const auto ms = static_cast<std::uint64_t>(clock.unix_ms());
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  return written(bytes);
}

std::string child_uuid(std::string_view parent, std::string_view name) {
  CHECK(is_uuid(parent), "{:?} is no UUID", parent);
  Sha256 hash = sha256(fmt::format("{} {}", parent, name));
  std::string text = written(std::span(hash).first<16>());
  return text.replace(0, kTimeLetters, parent.substr(0, kTimeLetters));
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36 || text[14] != '7') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = std::ranges::find(kDashes, i) != std::end(kDashes);
    const bool is_hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (is_dash ? text[i] != '-' : !is_hex) return false;
  }
  return true;
}

}  // namespace imagined
