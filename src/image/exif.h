// Which way up a camera held itself: the one thing that is read from a picture's EXIF block.
#pragma once

#include <cstdint>
#include <span>

#include "image/format.h"
#include "image/picture.h"

namespace imagined::image {

/// How stored pixels must be turned to stand upright; the numbers are EXIF's.
enum class Orientation : std::uint8_t {
  upright = 1,
  mirrored = 2,         // left and right exchanged
  upside_down = 3,      //
  flipped = 4,          // top and bottom exchanged
  transposed = 5,       // mirrored at the falling diagonal
  turned_left = 6,      // by a quarter: to be turned right
  anti_transposed = 7,  // mirrored at the rising diagonal
  turned_right = 8,     // by a quarter: to be turned left
};

/// Whether width and height change places.
inline bool swaps_sides(Orientation orientation) { return orientation >= Orientation::transposed; }

/// The orientation that a whole EXIF block (a TIFF file without pixels) names; upright when it
/// names none or makes no sense. Never reads outside, whatever the bytes. Source: CIPA DC-008
/// (EXIF 2.32), 4.6.4, tag 274; TIFF 6.0, section 2.
Orientation orientation_in_exif(std::span<const std::uint8_t> exif);

/// The orientation that a JPEG, PNG or WebP file names: of its first EXIF block.
Orientation read_orientation(std::span<const std::uint8_t> file, Format format);

/// The pixels upright.
Picture turned(Picture picture, Orientation orientation);

}  // namespace imagined::image
