// Numbers and words in the bytes of a file. Only this folder includes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace imagined::image {

using Bytes = std::span<const std::uint8_t>;

inline bool begins_with(Bytes file, std::string_view magic, std::size_t offset = 0) {
  return file.size() >= offset && file.size() - offset >= magic.size() &&
         std::string_view(reinterpret_cast<const char*>(file.data()) + offset, magic.size()) ==
             magic;
}

/// `count` bytes from `offset` on, all of which must be there.
inline std::uint32_t big_endian(Bytes file, std::size_t offset, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | file[offset + static_cast<std::size_t>(i)];
  return value;
}

inline std::uint32_t little_endian(Bytes file, std::size_t offset, int count) {
  std::uint32_t value = 0;
  for (int i = count - 1; i >= 0; --i) {
    value = value << 8 | file[offset + static_cast<std::size_t>(i)];
  }
  return value;
}

}  // namespace imagined::image
