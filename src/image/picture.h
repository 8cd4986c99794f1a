// What a picture is outside the engine: pixels in memory and the names of file formats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::image {

/// Formats of picture files. `webp` is read only.
enum class Format : std::uint8_t { jpeg, png, webp };

/// "jpeg", "png", "webp": the spelling of the wire and of the database.
std::string_view to_string(Format format);
/// The reverse, of formats that can be written: `unprocessable` for any other word.
Result<Format> parse_output_format(std::string_view text);
/// "image/jpeg", "image/png", "image/webp".
std::string_view mime_type(Format format);
/// File name extension without the dot: "jpg", "png", "webp".
std::string_view extension(Format format);

/// 8-bit pixels that someone else owns; row-major, no padding between rows.
struct PixelsView {
  int width = 0;
  int height = 0;
  int channels = 3;  // 3: RGB, 4: RGBA with straight alpha
  std::span<const std::uint8_t> bytes;
};

/// 8-bit pixels, row-major, no padding between rows.
struct Pixels {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<std::uint8_t> bytes;

  PixelsView view() const { return {width, height, channels, bytes}; }
};

}  // namespace imagined::image
