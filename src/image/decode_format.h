// The decoders behind `decode()`, one per format; only this folder includes it. Each trusts that
// the limits hold for `header`, and nothing else about the file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/result.h"
#include "image/decode.h"
#include "image/picture.h"

namespace imagined::image {

Result<Pixels> decode_jpeg(std::span<const std::uint8_t> file, const Header& header);
Result<Pixels> decode_png(std::span<const std::uint8_t> file, const Header& header);
Result<Pixels> decode_webp(std::span<const std::uint8_t> file, const Header& header);

inline tl::unexpected<Error> broken_image(std::string_view format, std::string detail) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("the image is a broken or cut {} file", format), "image",
              std::move(detail));
}

inline std::size_t area_bytes(int width, int height, int channels) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
         static_cast<std::size_t>(channels);
}

/// Pixels handed in by ourselves fit their sizes, or it is our bug.
inline void check_view(const PixelsView& pixels) {
  CHECK(pixels.width > 0 && pixels.height > 0, "a picture of {} x {}", pixels.width, pixels.height);
  CHECK(pixels.channels == 3 || pixels.channels == 4, "{} channels", pixels.channels);
  CHECK(pixels.bytes.size() == area_bytes(pixels.width, pixels.height, pixels.channels),
        "{} x {} x {} pixels in {} bytes", pixels.width, pixels.height, pixels.channels,
        pixels.bytes.size());
}

}  // namespace imagined::image
