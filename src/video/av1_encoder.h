// Frames to AV1 by libaom.
#pragma once

#include <memory>

#include "video/coded.h"

namespace imagined::video {

/// A frame is a temporal unit without its delimiter. As `make_encoder`.
Result<std::unique_ptr<FrameEncoder>> make_av1_encoder(const VideoShape& shape);

}  // namespace imagined::video
