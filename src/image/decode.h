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
  /// Of the picture that comes out. A larger one is made smaller while it is decoded.
  int side_px_max = 8192;
  std::int64_t area_px_max = 40'000'000;
  /// Of the picture in the file: 65,535 is the longest side of a JPEG.
  int stored_side_px_max = 65'535;
  std::int64_t stored_area_px_max = 500'000'000;
  /// The same of the kinds that a library holds whole while it decodes, however small they are to
  /// become: JPEG with several scans, interlaced PNG, lossless WebP, GIF.
  std::int64_t held_area_px_max = 80'000'000;
};

struct Header {
  Format format = Format::png;
  int width = 0;  // as stored
  int height = 0;
  Orientation orientation = Orientation::upright;
};

/// Reads format, size and orientation, by content and never by a name.
/// Errors (field "image"): `unsupported_media_type` when it is no JPEG, PNG, WebP or
/// GIF,
/// `invalid_argument` when it is cut, empty or contradicts itself.
Result<Header> read_header(std::span<const std::uint8_t> file);

/// The header of a file that is within the limits; errors as those of `decode` but for broken data.
/// No library sees the file.
Result<Header> check_header(std::span<const std::uint8_t> file, const DecodeLimits& limits);

/// How much smaller a picture is made: its sides divided by a whole number (for JPEG a power of two
/// up to 8), rounded up.
struct Shrink {
  int factor = 1;
  int width = 0;
  int height = 0;
};
/// The least that brings a picture within the limits. As stored, not turned upright.
Shrink shrink_for(const Header& header, const DecodeLimits& limits);

/// What becomes of a picture's colour profile.
enum class Colours : std::uint8_t {
  as_srgb,    // honoured: the pixels are converted to sRGB
  as_stored,  // ignored: of a mask, whose pixels are no colours
};

/// Decodes a JPEG, a PNG, or the first picture of a WebP or GIF to RGB, or RGBA when the file has
/// transparency, and turns it upright as its EXIF block says. One above the limits for what comes
/// out is made smaller row by row (`shrink_for`), in the memory of the smaller one. A colour
/// profile is honoured (`colour_profile.h`); all other metadata are ignored. Errors (field
/// "image"): those of `read_header`; `payload_too_large` above `bytes_max`; `invalid_argument`
/// above the limits for stored pixels (from the header alone) and for broken data.
Result<Picture> decode(std::span<const std::uint8_t> file, const DecodeLimits& limits = {},
                       Colours colours = Colours::as_srgb);

}  // namespace imagined::image
