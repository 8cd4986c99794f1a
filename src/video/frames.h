// The frames of a video that was read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/picture.h"
#include "video/frame_view.h"

namespace imagined::video {

/// All frames, one behind the other in the order in which they are shown, each in 4:2:0 of limited
/// range: luma, blue, red.
struct Frames {
  int width = 0;  // even, as is the height
  int height = 0;
  int count = 0;
  std::vector<double> times;         // seconds at which each is shown, ascending from 0
  double seconds = 0;                // until the last one ends
  std::vector<std::uint8_t> planes;  // count * frame_bytes(width, height)

  /// A frame in RGB, by the matrix of BT.709; each colour difference is that of its four pixels.
  image::Picture picture(int index) const;
  /// The index of the frame that is shown so many seconds from the start; behind the end the last.
  /// A frame that is due within a millisecond counts, for there are files that round to these.
  int at(double second) const;
  /// How many a second there are where they follow each other fast: of the durations a tenth are
  /// shorter.
  double speed() const;
};

/// 3/2 bytes a pixel.
std::size_t frame_bytes(int width, int height);

/// Copies a frame as `Frames` holds it; `to` has frame_bytes.
void pack_frame(const FrameView& frame, std::uint8_t* to);

}  // namespace imagined::video
