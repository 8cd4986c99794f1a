#include "video/decode.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "video/av1_decoder.h"
#include "video/h264_decoder.h"

namespace imagined::video {

tl::unexpected<Error> not_decoded(std::string detail) {
  return fail(ErrorCode::invalid_argument, "the video could not be decoded", "video",
              std::move(detail));
}

tl::unexpected<Error> other_samples(int bits, bool is_420) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("the video has frames of {} bits{}; what is read is 8 bits in 4:2:0",
                          bits, is_420 ? "" : ", not in 4:2:0"),
              "video");
}

Result<void> decode_frames(const Mp4Track& track, const TakeFrame& take) {
  constexpr auto kNotShown = static_cast<std::size_t>(-1);
  std::vector<std::size_t> places(track.frames.size(), kNotShown);
  for (std::size_t i = 0; i < track.shown.size(); ++i) places[track.shown[i].frame] = i;
  std::vector<bool> came(track.frames.size(), false);
  const auto take_checked = [&](std::size_t index, const FrameView& frame) -> Result<void> {
    if (frame.width != track.width || frame.height != track.height)
      return not_decoded(fmt::format("a frame of {} x {} in a track of {} x {}", frame.width,
                                     frame.height, track.width, track.height));
    if (index >= came.size()) return not_decoded("more frames than the track has");
    if (came[index]) return not_decoded(fmt::format("frame {} twice", index));
    came[index] = true;
    return places[index] == kNotShown ? Result<void>() : take(places[index], frame);
  };
  TRY(track.codec == Codec::av1 ? decode_av1(track, take_checked)
                                : decode_h264(track, take_checked));
  const auto shown = std::ranges::count(came, true);
  if (static_cast<std::size_t>(shown) != track.frames.size())
    return not_decoded(fmt::format("{} of {} frames", shown, track.frames.size()));
  return {};
}

}  // namespace imagined::video
