// A file of moving pictures, frame by frame.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/picture.h"
#include "video/coded.h"

namespace imagined::video {

/// Encodes each frame as it comes, so that a clip in the making is held as what it will be on the
/// disk.
class ClipFile {
 public:
  /// Errors as `make_encoder`'s.
  static Result<ClipFile> begin(const VideoShape& shape, Codec codec = Codec::h264);

  /// About 4 ms for a flat drawing of 848 x 480 on one core.
  Result<void> add(const image::PictureView& frame);
  int count() const { return static_cast<int>(frames_.size()); }
  /// The whole file, of MP4, with an XMP packet that says how it was made, if any; not without a
  /// frame.
  std::vector<std::uint8_t> finish(std::string_view xmp = {}) const;

 private:
  ClipFile(const VideoShape& shape, std::unique_ptr<FrameEncoder> encoder);

  VideoShape shape_;
  std::unique_ptr<FrameEncoder> encoder_;
  std::vector<CodedFrame> frames_;
};

}  // namespace imagined::video
