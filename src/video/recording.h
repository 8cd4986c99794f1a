// A file of moving pictures that may go on from another video.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/picture.h"
#include "video/clip_file.h"
#include "video/frames.h"

namespace imagined::video {

/// Frames that come at the speed of a model, behind those of the video that they go on from. The
/// file has that speed, or the video's where that is faster: each frame is held until the next is
/// due, and none is made up. Those of the video are shown when they are there, to half a frame of
/// the file; where they follow each other faster than the file's frames, some are left out.
class Recording {
 public:
  /// The size is even. Of frames behind a video the first to come is its last one, and not written
  /// again. `before`, which may be null, is needed no more afterwards.
  static Result<Recording> begin(int width, int height, int frames_per_second, Codec codec,
                                 const Frames* before = nullptr);

  Result<void> add(const image::Picture& frame);

  const VideoShape& shape() const { return shape_; }
  int frames() const { return file_.count(); }
  std::int64_t duration_ms() const;
  /// As ClipFile::finish.
  std::vector<std::uint8_t> finish(std::string_view xmp = {}) const { return file_.finish(xmp); }

 private:
  Recording(const VideoShape& shape, ClipFile file, double frames_per_second)
      : shape_(shape), file_(std::move(file)), each_(shape.frames_per_second / frames_per_second) {}

  Result<void> copy(const Frames& before);

  VideoShape shape_;
  ClipFile file_;
  double each_;  // frames of the file for one that comes
  double due_ = 0;
  double written_ = 0;
  bool knows_first_ = false;
};

}  // namespace imagined::video
