// From what the autoencoder decoded to a picture of the size that was asked for.
#include <algorithm>
#include <utility>

#include "engine/ops/convert/convert.h"
#include "engine/ops/resize/resize.h"
#include "engine/ops/sharpen_edges/sharpen_edges.h"
#include "engine/pipeline/pipeline.h"

namespace imagined::engine {
namespace {

/// Of a picture that had steep edges before it was enlarged so many times: Lanczos has spread them
/// over as many pixels. Chosen by sight and by what is nearest to drawings of that size
/// (docs/paperland.md).
EdgeSharpening of_enlarged(double times) {
  const EdgeSharpening made;
  return {.sigma = times, .reach = 0.6 * times, .weak = made.weak / times, .passes = 1};
}

/// The middle of a picture of RGB bytes.
image::Picture crop_centre(const std::vector<std::uint8_t>& pixels, int made_width, int made_height,
                           int width, int height) {
  image::Picture out{.width = width, .height = height, .channels = 3};
  const std::size_t row_bytes = static_cast<std::size_t>(width) * 3;
  out.pixels.resize(row_bytes * static_cast<std::size_t>(height));
  const int left = (made_width - width) / 2;
  const int top = (made_height - height) / 2;
  for (int y = 0; y < height; ++y) {
    const std::size_t from =
        (static_cast<std::size_t>(top + y) * static_cast<std::size_t>(made_width) +
         static_cast<std::size_t>(left)) *
        3;
    std::copy_n(pixels.data() + from, row_bytes,
                out.pixels.data() + static_cast<std::size_t>(y) * row_bytes);
  }
  return out;
}

}  // namespace

std::vector<std::uint8_t> Pipeline::to_pixels(ConstMatrixView decoded) const {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(decoded.rows) * 3);
  signal_to_pixels(context_, decoded, pixels.data());
  return pixels;
}

image::Picture Pipeline::finish(std::vector<std::uint8_t> pixels, const PicturePlan& plan) const {
  const auto side = model_.pixels_per_token;
  const int made_width = static_cast<int>(plan.token_cols * side);
  const int made_height = static_cast<int>(plan.token_rows * side);
  image::Picture picture;
  if (made_width == plan.crop_width && made_height == plan.crop_height) {
    picture = {.width = made_width, .height = made_height, .pixels = std::move(pixels)};
  } else {
    picture = crop_centre(pixels, made_width, made_height, plan.crop_width, plan.crop_height);
  }
  const int passes = model_.sampling.edge_passes;
  if (passes > 0) picture = sharpen_edges(context_, picture.view(), {.passes = passes});
  if (plan.enlarged()) {
    picture.pixels = resize_lanczos(context_, picture.view(), plan.width, plan.height);
    picture.width = plan.width;
    picture.height = plan.height;
    const double times = static_cast<double>(plan.width) / plan.crop_width;
    if (passes > 0) picture = sharpen_edges(context_, picture.view(), of_enlarged(times));
  }
  return picture;
}

}  // namespace imagined::engine
