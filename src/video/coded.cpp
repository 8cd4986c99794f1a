#include "video/coded.h"

#include "base/check.h"
#include "video/av1_encoder.h"
#include "video/h264_encoder.h"

namespace imagined::video {

Codec codec_named(std::string_view name) {
  CHECK(name == "h264" || name == "av1", "a codec \"{}\"", name);
  return name == "av1" ? Codec::av1 : Codec::h264;
}

Result<std::unique_ptr<FrameEncoder>> make_encoder(Codec codec, const VideoShape& shape) {
  const auto is_side = [](int side) {
    return side >= 16 && side <= kVideoSideMax && side % 2 == 0;
  };
  CHECK(is_side(shape.width) && is_side(shape.height), "a video of {} x {}", shape.width,
        shape.height);
  CHECK(shape.frames_per_second >= 1 && shape.frames_per_second <= kFramesPerSecondMax,
        "a video of {} frames per second", shape.frames_per_second);
  return codec == Codec::av1 ? make_av1_encoder(shape) : make_h264_encoder(shape);
}

}  // namespace imagined::video
