#include "engine/pipeline/repaint_mask.h"

#include <algorithm>

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

void put_back(image::PictureView given, std::span<const float> repaint, const PicturePlan& plan,
              std::int64_t pixels_per_token, image::Picture& made) {
  for (const image::PictureView& picture : {given, made.view()})
    CHECK(picture.width == plan.width && picture.height == plan.height && picture.channels == 3,
          "{}x{} of {} channels for {}x{}", picture.width, picture.height, picture.channels,
          plan.width, plan.height);
  // Of the token that the middle of a finished pixel lies in, on one axis.
  const auto token_of = [pixels_per_token](int at, int finished, int crop, std::int64_t tokens) {
    const std::int64_t margin = (tokens * pixels_per_token - crop) / 2;
    const std::int64_t pixel = (2 * std::int64_t{at} + 1) * crop / (2 * std::int64_t{finished});
    return (pixel + margin) / pixels_per_token;
  };
  std::vector<std::int64_t> columns;
  for (int x = 0; x < plan.width; ++x)
    columns.push_back(token_of(x, plan.width, plan.crop_width, plan.token_cols));
  for (int y = 0; y < plan.height; ++y) {
    const auto row = token_of(y, plan.height, plan.crop_height, plan.token_rows);
    const auto tokens = repaint.subspan(static_cast<std::size_t>(row * plan.token_cols),
                                        static_cast<std::size_t>(plan.token_cols));
    for (int x = 0; x < plan.width; ++x) {
      if (tokens[static_cast<std::size_t>(columns[static_cast<std::size_t>(x)])] != 0) continue;
      const auto at = 3 * (std::ptrdiff_t{y} * plan.width + x);
      std::copy_n(given.pixels.begin() + at, 3, made.pixels.begin() + at);
    }
  }
}

}  // namespace imagined::engine
