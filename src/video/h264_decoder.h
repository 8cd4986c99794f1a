// H.264 to frames by openh264. Strangers' videos are decoded in the children of src/decoder, which
// alone call this.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"
#include "video/mp4_read.h"

namespace imagined::video {

/// The planes of a decoded frame, which stand only while they are looked at.
struct FrameView {
  int width = 0;
  int height = 0;
  const std::uint8_t* planes[3] = {};  // luma, blue and red difference
  int strides[3] = {};
};

/// The frames of a track in the order in which they are shown, each of the track's size; an error
/// of `take` ends the work. Errors: `invalid_argument`, field "video", where the decoder gives up
/// or what comes is not what the track says.
Result<void> decode_h264(const Mp4Track& track,
                         const std::function<Result<void>(const FrameView&)>& take);

}  // namespace imagined::video
