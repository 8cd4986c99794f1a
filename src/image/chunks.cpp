#include "image/chunks.h"

#include <cstddef>

#include "image/bytes.h"

namespace imagined::image {

Bytes find_png_chunk(Bytes file, std::string_view type) {
  std::size_t at = 8;               // behind the signature
  while (file.size() - at >= 12) {  // length, type, checksum
    const std::size_t length = big_endian(file, at, 4);
    if (length > file.size() - at - 12) return {};
    if (begins_with(file, type, at + 4)) return file.subspan(at + 8, length);
    at += length + 12;
  }
  return {};
}

Bytes find_webp_chunk(Bytes file, std::string_view type) {
  std::size_t at = 12;  // behind RIFF, size, WEBP
  while (file.size() >= at && file.size() - at >= 8) {
    const std::size_t length = little_endian(file, at + 4, 4);
    if (length > file.size() - at - 8) return {};
    if (begins_with(file, type, at)) return file.subspan(at + 8, length);
    at += 8 + length + length % 2;
  }
  return {};
}

}  // namespace imagined::image
