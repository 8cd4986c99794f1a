#include "engine/pipeline/picture_size.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace imagined::engine {

Result<PicturePlan> plan_picture(int width, int height, const SizeRule& rule) {
  for (const int side : {width, height}) {
    if (side < kMinSide || side > kMaxSide) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("picture of {} x {} pixels: each side must be {} to {}", width,
                              height, kMinSide, kMaxSide),
                  "size");
    }
  }
  const std::int64_t area = static_cast<std::int64_t>(width) * height;
  if (area > kMaxPixels) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("picture of {} x {} pixels: at most {} pixels in all", width, height,
                            kMaxPixels),
                "size");
  }
  PicturePlan plan{.crop_width = width, .crop_height = height, .width = width, .height = height};
  if (rule.native_pixels > 0 && area > rule.native_pixels) {
    const double scale =
        std::sqrt(static_cast<double>(rule.native_pixels) / static_cast<double>(area));
    plan.crop_width = std::max(1, static_cast<int>(std::lround(width * scale)));
    plan.crop_height = std::max(1, static_cast<int>(std::lround(height * scale)));
  }
  const auto tokens = [&](int side) {
    return (side + rule.pixels_per_token - 1) / rule.pixels_per_token;
  };
  plan.token_rows = tokens(plan.crop_height);
  plan.token_cols = tokens(plan.crop_width);
  return plan;
}

}  // namespace imagined::engine
