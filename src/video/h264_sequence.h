// What H.264 says of all frames of a video in its sequence parameter set.
#pragma once

#include "base/result.h"
#include "video/mp4_read.h"

namespace imagined::video {

/// Whether a NAL unit is a sequence parameter set; it has a first byte.
bool is_h264_sequence(Mp4Track::Bytes unit);

/// Of such a unit: whether its frames are of the kind that is read; of others openh264 says
/// nothing, or gives what they are not. `invalid_argument`, field "video", saying what they are:
/// not of 8 bits in 4:2:0, or interlaced, be it only by the word of their encoder; or that the unit
/// is damaged. Source: ITU-T H.264 7.3.1, 7.3.2.1.1, 9.1.
Result<void> check_h264_sequence(Mp4Track::Bytes unit);

}  // namespace imagined::video
