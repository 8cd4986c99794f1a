#include "engine/pipeline/on_grid.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "engine/pipeline/fit_reference.h"

namespace imagined::engine {
namespace {

/// Scaled until it covers what is shown, and where that is cut out.
ReferenceFit cover(int width, int height, const PicturePlan& plan) {
  const double scale = std::max(static_cast<double>(plan.crop_width) / width,
                                static_cast<double>(plan.crop_height) / height);
  const auto scaled = [&](int side, int at_least) {
    return std::max(at_least, static_cast<int>(std::lround(side * scale)));
  };
  ReferenceFit fit{.resized_width = scaled(width, plan.crop_width),
                   .resized_height = scaled(height, plan.crop_height),
                   .width = plan.crop_width,
                   .height = plan.crop_height};
  fit.left = (fit.resized_width - fit.width) / 2;
  fit.top = (fit.resized_height - fit.height) / 2;
  return fit;
}

}  // namespace

image::Picture carry_to_border(image::PictureView shown, const PicturePlan& plan,
                               std::int64_t pixels_per_token) {
  CHECK(shown.width == plan.crop_width && shown.height == plan.crop_height && shown.channels == 3,
        "{}x{} of {} channels for {}x{}", shown.width, shown.height, shown.channels,
        plan.crop_width, plan.crop_height);
  image::Picture grid{.width = static_cast<int>(plan.token_cols * pixels_per_token),
                      .height = static_cast<int>(plan.token_rows * pixels_per_token),
                      .channels = 3};
  const int left = (grid.width - shown.width) / 2;
  const int top = (grid.height - shown.height) / 2;
  grid.pixels.reserve(static_cast<std::size_t>(grid.width) * static_cast<std::size_t>(grid.height) *
                      3);
  for (int y = 0; y < grid.height; ++y) {
    const int row = std::clamp(y - top, 0, shown.height - 1);
    for (int x = 0; x < grid.width; ++x) {
      const int column = std::clamp(x - left, 0, shown.width - 1);
      const auto* pixel = shown.pixels.data() + 3 * (static_cast<std::size_t>(row) *
                                                         static_cast<std::size_t>(shown.width) +
                                                     static_cast<std::size_t>(column));
      grid.pixels.insert(grid.pixels.end(), pixel, pixel + 3);
    }
  }
  return grid;
}

image::Picture lay_on_grid(const Context& context, image::PictureView picture,
                           const PicturePlan& plan, std::int64_t pixels_per_token) {
  const std::vector<std::uint8_t> shown =
      apply_fit(context, picture, cover(picture.width, picture.height, plan));
  return carry_to_border(
      {.width = plan.crop_width, .height = plan.crop_height, .channels = 3, .pixels = shown}, plan,
      pixels_per_token);
}

}  // namespace imagined::engine
