#include "base/ids.h"

#include <array>

#include "base/crypto.h"

namespace imagined {

std::string make_uuid(const Clock& clock) {
  std::array<std::uint8_t, 16> bytes;
  random_bytes(bytes);
  const auto ms = static_cast<std::uint64_t>(clock.unix_ms());
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  bytes[6] = static_cast<std::uint8_t>(0x70 | (bytes[6] & 0x0f));  // version 7
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));  // variant of RFC 9562
  std::string text = to_hex(bytes);
  for (const std::size_t position : {8u, 13u, 18u, 23u}) text.insert(position, "-");
  return text;
}

}  // namespace imagined
