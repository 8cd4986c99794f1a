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
inline constexpr int kReadSecondsMax = 600;
/// Of all frames, in 4:2:0: 15 s of 1280 x 720 at 24 a second are 498 MB.
inline constexpr std::int64_t kReadBytesMax = 512 << 20;

/// The first track of pictures in a file; all spans lie in the file.
struct Mp4Track {
  using Bytes = std::span<const std::uint8_t>;
  struct Shown {
    std::size_t frame = 0;  // which of `frames`
    double seconds = 0;     // from the start of the video
  };

  int width = 0;
  int height = 0;
  Codec codec = Codec::h264;
  /// What a decoder wants before the first frame, in this order: NAL units, or AV1's OBUs.
  std::vector<Bytes> parameter_sets;
  int length_bytes = 4;       // before each NAL unit of a frame: 1, 2 or 4
  std::vector<Bytes> frames;  // in the order in which they are decoded
  /// The frames that are shown, at least one, in the order of their times; the first at 0.
  std::vector<Shown> shown;
  double seconds = 0;  // until the last one ends, at most kReadSecondsMax
};

/// MP4 with a table of frames (no fragments), one sample entry `avc1` or `av01`, pictures that
/// stand upright. Other tracks and sound are left out.
///
/// A frame is shown at the time at which it is decoded (`stts`) and its offset (`ctts`), until the
/// next one is; the last for as long as `stts` says. An edit list (`elst`) may leave out what is
/// before or behind one part of that, hold the last frame longer, or wait before the first, which
/// is then shown from the start. Without one the video begins with its first frame. Edits of
/// several parts or another speed are refused.
///
/// Errors: `unsupported_media_type` for what is no MP4 file, `invalid_argument` for all else, field
/// "video", saying what is wrong or not read. Memory: a few dozen bytes a frame, whatever the file
/// says. Source: ISO/IEC 14496-12 and 14496-15, AV1 Codec ISO Media File Format Binding.
Result<Mp4Track> read_mp4(std::span<const std::uint8_t> file);

/// The NAL units of a frame. `invalid_argument` where their lengths do not fill it.
Result<std::vector<Mp4Track::Bytes>> units_of(const Mp4Track& track, Mp4Track::Bytes frame);

}  // namespace imagined::video
