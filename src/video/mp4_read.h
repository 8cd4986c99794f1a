// What a stranger's MP4 file says about its pictures. Only tables are read here; nothing in the
// file is trusted, and no library sees it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "video/coded.h"

namespace imagined::video {

/// What a video may be to be read at all.
inline constexpr int kReadSideMax = 1920;
inline constexpr std::int64_t kReadPixelsMax = 1920 * 1088;  // of a frame
inline constexpr std::size_t kReadFramesMax = 1800;
/// Of all frames, in 4:2:0: 15 s of 1280 x 720 at 24 a second are 498 MB.
inline constexpr std::int64_t kReadBytesMax = 512 << 20;

/// The first track of pictures in a file; all spans lie in the file.
struct Mp4Track {
  using Bytes = std::span<const std::uint8_t>;

  int width = 0;
  int height = 0;
  Codec codec = Codec::h264;
  /// What a decoder wants before the first frame, in this order: NAL units, or AV1's OBUs.
  std::vector<Bytes> parameter_sets;
  int length_bytes = 4;       // before each NAL unit of a frame: 1, 2 or 4
  std::vector<Bytes> frames;  // in the order in which they are decoded
  double seconds = 0;         // of all frames
};

/// MP4 with a table of frames (no fragments), one sample entry `avc1` or `av01`, pictures that
/// stand upright. Other tracks, sound and edits of the time line are left out. Errors:
/// `unsupported_media_type` for what is no MP4 file, `invalid_argument` for all else, field
/// "video", saying what is wrong or not read. Memory: a few dozen bytes a frame, whatever the file
/// says. Source: ISO/IEC 14496-12 and 14496-15, AV1 Codec ISO Media File Format Binding.
Result<Mp4Track> read_mp4(std::span<const std::uint8_t> file);

/// The NAL units of a frame. `invalid_argument` where their lengths do not fill it.
Result<std::vector<Mp4Track::Bytes>> units_of(const Mp4Track& track, Mp4Track::Bytes frame);

}  // namespace imagined::video
