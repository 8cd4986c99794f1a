// H.264 to frames by openh264.
#pragma once

#include "base/result.h"
#include "video/frame_view.h"
#include "video/mp4_read.h"

namespace imagined::video {

/// All frames, each with its index in `track.frames`; `decode_frames` looks at what comes.
Result<void> decode_h264(const Mp4Track& track, const TakeFrame& take);

}  // namespace imagined::video
