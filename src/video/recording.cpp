#include "video/recording.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace imagined::video {

Result<Recording> Recording::begin(int width, int height, int frames_per_second, Codec codec,
                                   const Frames* before) {
  VideoShape shape{.width = width, .height = height, .frames_per_second = frames_per_second};
  double speed_before = 0;
  if (before != nullptr) {
    speed_before = before->count / before->seconds;
    shape.frames_per_second = std::clamp(static_cast<int>(std::lround(speed_before)),
                                         frames_per_second, kFramesPerSecondMax);
  }
  auto file = TRY(ClipFile::begin(shape, codec));
  Recording recording(shape, std::move(file), frames_per_second);
  if (before == nullptr) return recording;
  recording.knows_first_ = true;
  Held given{.each = shape.frames_per_second / speed_before};
  for (int i = 0; i < before->count; ++i) TRY(recording.hold(before->picture(i), given));
  return recording;
}

Result<void> Recording::add(const image::Picture& frame) {
  if (std::exchange(knows_first_, false)) return {};
  return hold(frame, made_);
}

Result<void> Recording::hold(const image::Picture& frame, Held& held) {
  for (held.due += held.each; held.written + 0.5 <= held.due; ++held.written)
    TRY(file_.add(frame.view()));
  return {};
}

std::int64_t Recording::duration_ms() const {
  return std::int64_t{1000} * frames() / shape_.frames_per_second;
}

}  // namespace imagined::video
