// The frames of a video that was read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/picture.h"
#include "video/frame_view.h"

namespace imagined::video {

/// All frames, one behind the other, each in 4:2:0 of limited range: luma, blue, red.
struct Frames {
  int width = 0;  // even, as is the height
  int height = 0;
  int count = 0;
  double seconds = 0;
  std::vector<std::uint8_t> planes;  // count * frame_bytes(width, height)

  /// A frame in RGB, by the matrix of BT.709; each colour difference is that of its four pixels.
  image::Picture picture(int index) const;
};

/// 3/2 bytes a pixel.
std::size_t frame_bytes(int width, int height);

/// Copies a frame as `Frames` holds it; `to` has frame_bytes.
void pack_frame(const FrameView& frame, std::uint8_t* to);

}  // namespace imagined::video
