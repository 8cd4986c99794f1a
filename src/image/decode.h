// Files from strangers to pixels. The header is read by our own code first, and every limit is
// applied to what it says before a byte of pixel memory is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "image/exif.h"
#include "image/format.h"
#include "image/picture.h"

namespace imagined::image {

struct DecodeLimits {
  std::size_t bytes_max = 10u << 20;
  int side_px_max = 8192;
  std::int64_t area_px_max = 40'000'000;
};

struct Header {
  Format format = Format::png;
  int width = 0;  // as stored
  int height = 0;
  Orientation orientation = Orientation::upright;

  int upright_width() const { return swaps_sides(orientation) ? height : width; }
  int upright_height() const { return swaps_sides(orientation) ? width : height; }
};

/// Reads format, size and orientation, by content and never by a name.
/// Errors (field "image"): `unsupported_media_type` when it is no JPEG, PNG or WebP,
/// `invalid_argument` when it is cut, empty or contradicts itself.
Result<Header> read_header(std::span<const std::uint8_t> file);

/// The header of a file that is within the limits; errors as those of `decode` but for broken data.
/// No library sees the file.
Result<Header> check_header(std::span<const std::uint8_t> file, const DecodeLimits& limits);

/// Decodes a JPEG, PNG or WebP (first frame of an animation refused) to RGB, or RGBA when the file
/// has transparency, and turns it upright as its EXIF block says. Colour profiles and all other
/// metadata are ignored.
/// Errors (field "image"): those of `read_header`; `payload_too_large` above `bytes_max`;
/// `invalid_argument` above the pixel limits (from the header alone) and for broken data.
Result<Picture> decode(std::span<const std::uint8_t> file, const DecodeLimits& limits = {});

}  // namespace imagined::image
