// Frames to H.264 by openh264.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "image/picture.h"

namespace imagined::video {

/// What all frames of a video have in common.
struct VideoShape {
  int width = 0;  // even, as is the height; 16 to kVideoSideMax
  int height = 0;
  int frames_per_second = 0;  // 1 to kFramesPerSecondMax
};

inline constexpr int kVideoSideMax = 3840;
inline constexpr int kFramesPerSecondMax = 60;

/// One frame as an MP4 file holds it: NAL units, each behind its length in four bytes.
struct CodedFrame {
  std::vector<std::uint8_t> bytes;
  bool is_key = false;  // can be decoded without any other
};

/// What a decoder must know before the first frame: NAL units without start codes.
struct ParameterSets {
  std::vector<std::uint8_t> sequence;
  std::vector<std::uint8_t> picture;
};

/// Constant quality: what a frame costs follows from what is on it. One thread; the same frames
/// come to the same bytes. Colours are said to be those of BT.709.
class H264Encoder {
 public:
  /// Errors: `internal` when the library refuses. Another shape than allowed is our bug.
  static Result<std::unique_ptr<H264Encoder>> make(const VideoShape& shape);
  ~H264Encoder();

  /// The next frame, of the shape's size. Errors: `internal` when the library refuses.
  Result<CodedFrame> encode(const image::PictureView& frame);

  /// Those of all frames; there once the first was encoded.
  const ParameterSets& parameter_sets() const;

 private:
  class Library;
  explicit H264Encoder(std::unique_ptr<Library> library);

  std::unique_ptr<Library> library_;
};

}  // namespace imagined::video
