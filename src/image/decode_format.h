// The decoders behind `decode()`, one per format; only this folder includes it. Each trusts that
// the limits hold for `header`, and nothing else about the file, and makes the picture smaller
// while it decodes.
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

Result<Picture> decode_jpeg(std::span<const std::uint8_t> file, const Header& header,
                            const Shrink& shrink, const DecodeLimits& limits);
Result<Picture> decode_png(std::span<const std::uint8_t> file, const Header& header,
                           const Shrink& shrink, const DecodeLimits& limits);
Result<Picture> decode_webp(std::span<const std::uint8_t> file, const Header& header,
                            const Shrink& shrink, const DecodeLimits& limits);
Result<Picture> decode_gif(std::span<const std::uint8_t> file, const Header& header,
                           const Shrink& shrink, const DecodeLimits& limits);

/// "the image has W x H = N pixels, at most MOST ALLOWED"
tl::unexpected<Error> too_large(const Header& header, std::int64_t area_max,
                                std::string_view allowed);
/// Refuses a picture that is to be made smaller, and is of a kind that is held whole before.
Result<void> check_held(const Header& header, const Shrink& shrink, const DecodeLimits& limits,
                        std::string_view kind);

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
inline void check_view(const PictureView& picture) {
  CHECK(picture.width > 0 && picture.height > 0, "a picture of {} x {}", picture.width,
        picture.height);
  CHECK(picture.channels == 3 || picture.channels == 4, "{} channels", picture.channels);
  CHECK(picture.pixels.size() == area_bytes(picture.width, picture.height, picture.channels),
        "{} x {} x {} pixels in {} bytes", picture.width, picture.height, picture.channels,
        picture.pixels.size());
}

}  // namespace imagined::image
