#include "engine/pipeline/fit_reference.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "engine/engine.h"

namespace imagined::engine {
Result<ReferenceFit> fit_reference(int width, int height, std::int64_t area_cap, int multiple) {
  if (width <= 0 || height <= 0 || area_cap <= 0 || multiple <= 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("reference of {}x{} pixels for an area of {} in steps of {}", width,
                            height, area_cap, multiple));
  }
  ReferenceFit fit{.resized_width = width, .resized_height = height};
  const std::int64_t area = std::int64_t{width} * height;
  if (area > area_cap) {
    const double scale = std::sqrt(static_cast<double>(area_cap) / static_cast<double>(area));
    fit.resized_width = static_cast<int>(width * scale);
    fit.resized_height = static_cast<int>(height * scale);
  }
  fit.width = fit.resized_width / multiple * multiple;
  fit.height = fit.resized_height / multiple * multiple;
  fit.left = (fit.resized_width - fit.width) / 2;
  fit.top = (fit.resized_height - fit.height) / 2;
  if (fit.width == 0 || fit.height == 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("reference of {}x{} pixels is too narrow: {}x{} at the model's size, "
                            "which works in steps of {}",
                            width, height, fit.resized_width, fit.resized_height, multiple));
  }
  return fit;
}

ReferenceFit fit_to_sizes(int width, int height, std::span<const ReferenceSize> sizes,
                          int multiple) {
  CHECK(!sizes.empty(), "no size for a reference of {}x{}", width, height);
  const auto whole = [&](int side) { return std::max(side / multiple, 1) * multiple; };
  const double ratio = static_cast<double>(whole(width)) / whole(height);
  const auto rank = [&](const ReferenceSize& size) {
    return std::tuple(std::abs(ratio - static_cast<double>(size.width) / size.height), size.width,
                      size.height);
  };
  const ReferenceSize best = *std::ranges::min_element(sizes, {}, rank);
  return {.resized_width = whole(best.width),
          .resized_height = whole(best.height),
          .width = whole(best.width),
          .height = whole(best.height)};
}

Result<> check_reference_size(int width, int height) {
  if (std::min(width, height) < kReferenceSidePxMin) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("reference of {}x{} pixels: both sides must be at least {}", width,
                            height, kReferenceSidePxMin));
  }
  if (std::max(width, height) > std::int64_t{kReferenceRatioMax} * std::min(width, height)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("reference of {}x{} pixels: the ratio of the sides must be at most {}",
                            width, height, kReferenceRatioMax));
  }
  return {};
}

std::vector<std::uint8_t> apply_fit(const Context& context, image::PictureView picture,
                                    const ReferenceFit& fit) {
  std::vector<std::uint8_t> resized;
  if (picture.width != fit.resized_width || picture.height != fit.resized_height) {
    resized = resize_lanczos(context, picture, fit.resized_width, fit.resized_height);
    picture = {.width = fit.resized_width,
               .height = fit.resized_height,
               .channels = picture.channels,
               .pixels = resized};
  }
  CHECK(fit.left >= 0 && fit.top >= 0 && fit.left + fit.width <= picture.width &&
            fit.top + fit.height <= picture.height,
        "cut {}x{} at {},{} out of {}x{}", fit.width, fit.height, fit.left, fit.top, picture.width,
        picture.height);
  const auto channels = static_cast<std::size_t>(picture.channels);
  std::vector<std::uint8_t> result(3 * static_cast<std::size_t>(fit.width) *
                                   static_cast<std::size_t>(fit.height));
  std::uint8_t* to = result.data();
  for (int y = 0; y < fit.height; ++y) {
    const std::size_t row =
        static_cast<std::size_t>(fit.top + y) * static_cast<std::size_t>(picture.width) +
        static_cast<std::size_t>(fit.left);
    const std::uint8_t* from = picture.pixels.data() + row * channels;
    for (int x = 0; x < fit.width; ++x, from += channels) to = std::copy_n(from, 3, to);
  }
  return result;
}

}  // namespace imagined::engine
