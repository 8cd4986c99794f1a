// Coded frames, whichever codec they are of, between an encoder and the file around them.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/picture.h"

namespace imagined::video {

enum class Codec : std::uint8_t { h264, av1 };

/// "h264" or "av1"; another name is our bug.
Codec codec_named(std::string_view name);

/// What all frames of a video have in common.
struct VideoShape {
  int width = 0;  // even, as is the height; 16 to kVideoSideMax
  int height = 0;
  int frames_per_second = 0;  // 1 to kFramesPerSecondMax
};

inline constexpr int kVideoSideMax = 3840;
inline constexpr int kFramesPerSecondMax = 60;
inline constexpr int kSecondsBetweenKeys = 2;  // what a player that jumps has to decode at most

/// One frame as a sample of an MP4 file.
struct CodedFrame {
  std::vector<std::uint8_t> bytes;
  bool is_key = false;  // can be decoded without any other
};

/// What an MP4 file says of its frames' codec, in ISO/IEC 14496-12's words.
struct SampleEntry {
  std::string_view type;                    // of the entry: "avc1", "av01"
  std::string_view configuration_type;      // of the box in it: "avcC", "av1C"
  std::vector<std::uint8_t> configuration;  // its content: what a decoder must know before a frame
};

/// Constant quality: what a frame costs follows from what is on it. One thread; the same frames
/// come to the same bytes. Colours are said to be those of BT.709.
class FrameEncoder {
 public:
  virtual ~FrameEncoder() = default;

  /// The next frame, of the shape's size. Errors: `internal` when the library refuses.
  virtual Result<CodedFrame> encode(const image::PictureView& frame) = 0;
  /// That of all frames; there once the first was encoded.
  virtual SampleEntry sample_entry() const = 0;
};

/// Errors: `internal` when the library refuses. Another shape than allowed is our bug.
Result<std::unique_ptr<FrameEncoder>> make_encoder(Codec codec, const VideoShape& shape);

}  // namespace imagined::video
