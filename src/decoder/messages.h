// What the decoder and its child say to each other; only this folder includes it. Both are one
// program, so plain structs do. The child is not trusted: it may say anything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "image/decode.h"

namespace imagined::decoder {

/// Sent with two descriptors: the file (read only), and memory for the pixels.
struct DecodeRequest {
  std::uint64_t file_bytes = 0;
  std::uint64_t pixel_bytes = 0;
  image::DecodeLimits limits;  // of a picture, as its colours
  image::Colours colours = image::Colours::as_srgb;
  std::int32_t frames = 0;  // of a video, which the file is; 0: a picture
};

struct DecodeReply {
  bool decoded = false;
  std::int32_t width = 0;  // decoded
  std::int32_t height = 0;
  std::int32_t channels = 0;  // of a picture
  std::int32_t frames = 0;    // of a video
  std::uint8_t code = 0;      // not decoded: an ErrorCode, and texts that end in NUL
  std::array<char, 300> message{};
  std::array<char, 200> detail{};
};

}  // namespace imagined::decoder
