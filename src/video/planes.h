// RGB pixels as the planes that video codecs work on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/picture.h"

namespace imagined::video {

/// 8-bit 4:2:0, limited range, matrix of BT.709: luma, then the two colour differences at half the
/// size both ways. No padding between rows.
struct Planes {
  int width = 0;  // even, as is the height
  int height = 0;
  std::vector<std::uint8_t> y, cb, cr;
};

/// Writes the planes of a picture with even sides; RGBA pixels lose their alpha. Colour differences
/// are those of the mean of four pixels.
///
///   y  = 16 + 219/255 (0.2126 r + 0.7152 g + 0.0722 b)
///   cb = 128 + 224/255 (b - luma) / 1.8556,  cr = 128 + 224/255 (r - luma) / 1.5748
///
/// In 16 bits of fraction: within one level of the formula. Odd sides are our bug: CHECK fails.
/// Source: Rec. ITU-R BT.709-6, items 3.2 to 3.5.
void write_planes(const image::PictureView& picture, Planes& planes);

}  // namespace imagined::video
