#include "video/decode.h"

#include <fmt/core.h>

#include <utility>

#include "video/av1_decoder.h"
#include "video/h264_decoder.h"

namespace imagined::video {

tl::unexpected<Error> not_decoded(std::string detail) {
  return fail(ErrorCode::invalid_argument, "the video could not be decoded", "video",
              std::move(detail));
}

Result<void> decode_frames(const Mp4Track& track, const TakeFrame& take) {
  std::size_t shown = 0;
  const auto take_checked = [&](const FrameView& frame) -> Result<void> {
    if (frame.width != track.width || frame.height != track.height)
      return not_decoded(fmt::format("a frame of {} x {} in a track of {} x {}", frame.width,
                                     frame.height, track.width, track.height));
    if (++shown > track.frames.size()) return not_decoded("more frames than the track has");
    return take(frame);
  };
  TRY(track.codec == Codec::av1 ? decode_av1(track, take_checked)
                                : decode_h264(track, take_checked));
  if (shown != track.frames.size())
    return not_decoded(fmt::format("{} of {} frames", shown, track.frames.size()));
  return {};
}

}  // namespace imagined::video
