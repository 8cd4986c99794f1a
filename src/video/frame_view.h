// What decoders hand on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace imagined::video {

/// The planes of a decoded frame in 8-bit 4:2:0, which stand only while they are looked at.
struct FrameView {
  int width = 0;
  int height = 0;
  const std::uint8_t* planes[3] = {};  // luma, blue and red difference
  int strides[3] = {};
};

/// A frame and its index: which is said by whoever calls. An error ends the work.
using TakeFrame = std::function<Result<void>(std::size_t index, const FrameView&)>;

/// What is said where a library gives up: `invalid_argument`, field "video". `detail` is for the
/// log.
tl::unexpected<Error> not_decoded(std::string detail);

/// What is said of frames that are not of 8 bits in 4:2:0, with the same code and field.
tl::unexpected<Error> other_samples(int bits, bool is_420);

}  // namespace imagined::video
