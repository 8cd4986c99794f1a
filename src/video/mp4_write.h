// Coded frames to an MP4 file that plays while it is still being fetched.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "video/coded.h"

namespace imagined::video {

/// One track, the table of its frames before the frames, no sound. The file carries no
/// time of day: the same frames come to the same bytes. `xmp` is a packet that says how it was made
/// (image/label.h), in the box that is kept for such; empty: none. At least one frame, the first of
/// them a key; at most 2 GiB in all. Anything else is our bug.
///
/// Source: ISO/IEC 14496-12 (boxes), XMP specification part 3 (uuid).
std::vector<std::uint8_t> write_mp4(const VideoShape& shape, const SampleEntry& entry,
                                    std::span<const CodedFrame> frames, std::string_view xmp = {});

}  // namespace imagined::video
