// A track's coded frames to pictures. Strangers' videos are decoded in the children of src/decoder,
// which alone call this.
#pragma once

#include "base/result.h"
#include "video/frame_view.h"
#include "video/mp4_read.h"

namespace imagined::video {

/// The frames of a track that are shown, each of the track's size and with its index in
/// `track.shown`; they come in whichever order the decoder has. Errors: `invalid_argument`, field
/// "video", saying what its frames are that are not read (other than 8 bits in 4:2:0, interlaced);
/// where the decoder gives up, or what comes is not what the track says.
Result<void> decode_frames(const Mp4Track& track, const TakeFrame& take);

}  // namespace imagined::video
