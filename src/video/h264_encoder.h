// Frames to H.264 by openh264.
#pragma once

#include <memory>

#include "video/coded.h"

namespace imagined::video {

/// A frame is NAL units, each behind its length in four bytes. As `make_encoder`.
Result<std::unique_ptr<FrameEncoder>> make_h264_encoder(const VideoShape& shape);

}  // namespace imagined::video
