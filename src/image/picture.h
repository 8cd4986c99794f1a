// Pixels in memory, the same to everybody: engine, files, worker and commands. Data only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace imagined::image {

/// 8-bit pixels that someone else owns; row-major, no padding between rows.
struct PictureView {
  int width = 0;
  int height = 0;
  int channels = 3;  // 3: RGB, 4: RGBA with straight alpha
  std::span<const std::uint8_t> pixels;
};

/// 8-bit pixels, row-major, no padding between rows.
struct Picture {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<std::uint8_t> pixels;

  PictureView view() const { return {width, height, channels, pixels}; }
};

}  // namespace imagined::image
