#include "video/recording.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace imagined::video {

Result<Recording> Recording::begin(int width, int height, int frames_per_second, Codec codec,
                                   const Frames* before) {
  VideoShape shape{.width = width, .height = height, .frames_per_second = frames_per_second};
  if (before != nullptr) {
    const double speed_before = std::min<double>(before->speed(), kFramesPerSecondMax);
    shape.frames_per_second =
        std::max(frames_per_second, static_cast<int>(std::lround(speed_before)));
  }
  auto file = TRY(ClipFile::begin(shape, codec));
  Recording recording(shape, std::move(file), frames_per_second);
  if (before != nullptr) TRY(recording.copy(*before));
  return recording;
}

Result<void> Recording::copy(const Frames& before) {
  knows_first_ = true;
  const double speed = shape_.frames_per_second;
  const int count = std::max(1, static_cast<int>(std::lround(before.seconds * speed)));
  int shown = -1;
  image::Picture picture;
  for (int i = 0; i < count; ++i) {
    // What is shown in the middle of a frame's time, so that times may be rounded; at the end
    // always the last, for what comes goes on from it.
    const int index = i + 1 < count ? before.at((i + 0.5) / speed) : before.count - 1;
    if (std::exchange(shown, index) != index) picture = before.picture(index);
    TRY(file_.add(picture.view()));
  }
  return {};
}

Result<void> Recording::add(const image::Picture& frame) {
  if (std::exchange(knows_first_, false)) return {};
  due_ += each_;
  for (; written_ + 0.5 <= due_; ++written_) TRY(file_.add(frame.view()));
  return {};
}

std::int64_t Recording::duration_ms() const {
  return std::int64_t{1000} * frames() / shape_.frames_per_second;
}

}  // namespace imagined::video
