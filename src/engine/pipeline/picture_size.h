// From the size that was asked for to the grid of tokens it is made on.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace imagined::engine {

inline constexpr int kMinSide = 64;                     // pixels
inline constexpr int kMaxSide = 8192;                   // pixels
inline constexpr std::int64_t kMaxPixels = 16'777'216;  // 4096 x 4096

/// A picture is made on whole tokens, cropped around the centre to `crop`, and enlarged to the size
/// asked for when that is above the model's native area.
struct PicturePlan {
  std::int64_t token_rows = 0;
  std::int64_t token_cols = 0;
  int crop_width = 0;  // pixels; at most the grid's
  int crop_height = 0;
  int width = 0;  // pixels of the finished picture
  int height = 0;
  bool enlarged() const { return width != crop_width || height != crop_height; }
};

struct SizeRule {
  std::int64_t pixels_per_token = 16;
  std::int64_t native_pixels = 0;  // 0: no limit
};

/// Errors: `invalid_argument` for a side below kMinSide or above kMaxSide, or more than kMaxPixels.
Result<PicturePlan> plan_picture(int width, int height, const SizeRule& rule);

/// Of a given picture for a model with a native area, which also a smaller one is brought to: it
/// lies as a picture of its ratio is made. Errors as those of plan_picture.
Result<PicturePlan> plan_reference(int width, int height, const SizeRule& rule);

}  // namespace imagined::engine
