#include "engine/pipeline/picture_size.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace imagined::engine {
namespace {

struct Size {
  int width = 0;
  int height = 0;
};

/// The size of the same ratio that has as many pixels, as nearly as whole ones can.
Size scaled_to_area(int width, int height, std::int64_t pixels) {
  const double area = static_cast<double>(width) * height;
  const double scale = std::sqrt(static_cast<double>(pixels) / area);
  const auto scaled = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(side * scale)));
  };
  return {scaled(width), scaled(height)};
}

}  // namespace

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
    const Size made = scaled_to_area(width, height, rule.native_pixels);
    plan.crop_width = made.width;
    plan.crop_height = made.height;
  }
  const auto tokens = [&](int side) {
    return (side + rule.pixels_per_token - 1) / rule.pixels_per_token;
  };
  plan.token_rows = tokens(plan.crop_height);
  plan.token_cols = tokens(plan.crop_width);
  return plan;
}

Result<PicturePlan> plan_reference(int width, int height, const SizeRule& rule) {
  CHECK(rule.native_pixels > 0, "no native area");
  const Size size = scaled_to_area(width, height, rule.native_pixels);
  return plan_picture(size.width, size.height, {.pixels_per_token = rule.pixels_per_token});
}

}  // namespace imagined::engine
