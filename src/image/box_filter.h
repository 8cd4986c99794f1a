// A picture made smaller by a whole number while its rows come in: each pixel is the mean of a box.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "image/decode_format.h"

namespace imagined::image {

/// Takes the rows of a picture from the top and gives one of ceil(width / factor) x
/// ceil(height / factor) pixels. The boxes at the right and at the bottom may be smaller. Holds one
/// row of sums beside the picture that comes out.
class BoxFilter {
 public:
  BoxFilter(int width, int height, int channels, int factor)
      : width_(width), height_(height), factor_(factor) {
    picture_.width = (width + factor - 1) / factor;
    picture_.height = (height + factor - 1) / factor;
    picture_.channels = channels;
    picture_.pixels.resize(area_bytes(picture_.width, picture_.height, channels));
    sums_.resize(area_bytes(picture_.width, 1, channels));
  }

  /// As many times as there are rows. Called where a library may leave by longjmp.
  void add(const std::uint8_t* row) noexcept {
    const int channels = picture_.channels;
    std::uint32_t* sum = sums_.data();
    for (int left = width_; left > 0; left -= factor_, sum += channels)
      for (int x = std::min(left, factor_); x > 0; --x, row += channels)
        for (int c = 0; c < channels; ++c) sum[c] += row[c];
    ++rows_;
    if (rows_ % factor_ == 0 || rows_ == height_) finish_row();
  }

  Picture take() { return std::move(picture_); }

 private:
  void finish_row() noexcept {
    const int box_rows = (rows_ - 1) % factor_ + 1;
    std::uint8_t* out =
        picture_.pixels.data() + (rows_ - 1) / factor_ * static_cast<std::ptrdiff_t>(sums_.size());
    std::uint32_t* sum = sums_.data();
    for (int left = width_; left > 0; left -= factor_) {
      const auto count = static_cast<std::uint32_t>(std::min(left, factor_) * box_rows);
      for (int c = 0; c < picture_.channels; ++c, ++sum) {
        *out++ = static_cast<std::uint8_t>((*sum + count / 2) / count);
        *sum = 0;
      }
    }
  }

  int width_;
  int height_;
  int factor_;
  int rows_ = 0;
  Picture picture_;
  std::vector<std::uint32_t> sums_;  // below 2^32 for factors up to 4,096
};

}  // namespace imagined::image
