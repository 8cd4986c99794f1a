// Any bytes as an MP4 file: refused, or tables whose every frame lies in the file.
#include "base/check.h"
#include "video/mp4_read.h"

using namespace imagined::video;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::span file(data, size_bytes);
  const auto track = read_mp4(file);
  if (!track) {
    CHECK(track.error().field == "video", "an error names its field");
    return 0;
  }
  const auto lies_in_file = [&](Mp4Track::Bytes bytes) {
    return bytes.data() >= file.data() && bytes.data() + bytes.size() <= file.data() + file.size();
  };
  CHECK(!track->frames.empty() && track->frames.size() <= kReadFramesMax, "{} frames",
        track->frames.size());
  CHECK(track->seconds > 0 && track->seconds <= kReadSecondsMax, "{} seconds", track->seconds);
  CHECK(!track->shown.empty() && track->shown.front().seconds == 0, "a video begins with a frame");
  double before = 0;
  for (const Mp4Track::Shown& shown : track->shown) {
    CHECK(shown.frame < track->frames.size(), "frame {}", shown.frame);
    CHECK(shown.seconds >= before && shown.seconds < track->seconds, "a frame at {} s of {}",
          shown.seconds, track->seconds);
    before = shown.seconds;
  }
  CHECK(std::int64_t{track->width} * track->height <= kReadPixelsMax, "{} x {}", track->width,
        track->height);
  for (const Mp4Track::Bytes set : track->parameter_sets)
    CHECK(!set.empty() && lies_in_file(set), "parameters that are not in the file");
  for (const Mp4Track::Bytes frame : track->frames) {
    CHECK(!frame.empty() && lies_in_file(frame), "a frame that is not in the file");
    if (const auto units = units_of(*track, frame))
      for (const Mp4Track::Bytes unit : *units)
        CHECK(!unit.empty() && lies_in_file(unit), "a unit that is not in the file");
  }
  return 0;
}
