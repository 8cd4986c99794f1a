#include "engine/pipeline/repaint_mask.h"

#include "base/check.h"
#include "engine/ops/resize/resize.h"
#include "engine/pipeline/on_grid.h"

namespace imagined::engine {
namespace {

constexpr std::int64_t kSmallToken = 32;  // pixels

/// What is transparent as white, in three channels.
std::vector<std::uint8_t> transparency(image::PictureView mask) {
  std::vector<std::uint8_t> pixels;
  pixels.reserve(mask.pixels.size() / 4 * 3);
  for (std::size_t i = 3; i < mask.pixels.size(); i += 4)
    pixels.insert(pixels.end(), 3, static_cast<std::uint8_t>(255 - mask.pixels[i]));
  return pixels;
}

/// Pillow's grey of an RGB pixel.
unsigned grey_of(const std::uint8_t* pixel) {
  return (pixel[0] * 19595u + pixel[1] * 38470u + pixel[2] * 7471u + 0x8000u) >> 16;
}

}  // namespace

std::vector<float> repaint_mask(const Context& context, image::PictureView mask,
                                const PicturePlan& plan, std::int64_t pixels_per_token) {
  CHECK(pixels_per_token >= 2 && pixels_per_token % 2 == 0, "{} pixels per token",
        pixels_per_token);
  std::vector<std::uint8_t> pixels =
      mask.channels == 4 ? transparency(mask)
                         : std::vector<std::uint8_t>(mask.pixels.begin(), mask.pixels.end());
  if (mask.width != plan.crop_width || mask.height != plan.crop_height)
    pixels = resize_lanczos(
        context, {.width = mask.width, .height = mask.height, .channels = 3, .pixels = pixels},
        plan.crop_width, plan.crop_height);
  const image::Picture grid = carry_to_border(
      {.width = plan.crop_width, .height = plan.crop_height, .channels = 3, .pixels = pixels}, plan,
      pixels_per_token);
  const auto is_white = [&](std::int64_t y, std::int64_t x) {
    return grey_of(grid.pixels.data() + (y * grid.width + x) * 3) >= 128;
  };
  const auto has_white = [&](std::int64_t top, std::int64_t left) {
    for (std::int64_t y = top; y < top + pixels_per_token; ++y)
      for (std::int64_t x = left; x < left + pixels_per_token; ++x)
        if (is_white(y, x)) return true;
    return false;
  };
  std::vector<float> tokens;
  for (std::int64_t row = 0; row < plan.token_rows; ++row) {
    for (std::int64_t col = 0; col < plan.token_cols; ++col) {
      if (pixels_per_token > kSmallToken) {
        tokens.push_back(has_white(row * pixels_per_token, col * pixels_per_token) ? 1.0f : 0.0f);
        continue;
      }
      const std::int64_t y = row * pixels_per_token + pixels_per_token / 2 - 1;
      const std::int64_t x = col * pixels_per_token + pixels_per_token / 2 - 1;
      const int white =
          is_white(y, x) + is_white(y, x + 1) + is_white(y + 1, x) + is_white(y + 1, x + 1);
      tokens.push_back(static_cast<float>(white) / 4);
    }
  }
  return tokens;
}

}  // namespace imagined::engine
