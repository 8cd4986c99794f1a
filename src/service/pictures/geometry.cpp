#include "service/pictures/geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/check.h"
#include "base/text.h"

namespace imagined::service {
namespace {

struct RatioRow {
  AspectRatio ratio;
  std::string_view word;
  PictureSize at_1k;
  PictureSize at_2k;
};

// Measured at xAI but for 21:9 and 5:2 (`xai-api.md` 2.1); the areas are only roughly 1 and 4
// megapixels, so the sizes cannot be computed.
constexpr std::array kRatios = {
    RatioRow{AspectRatio::r1_1, "1:1", {1024, 1024}, {2048, 2048}},
    RatioRow{AspectRatio::r3_4, "3:4", {864, 1152}, {1776, 2368}},
    RatioRow{AspectRatio::r4_3, "4:3", {1152, 864}, {2368, 1776}},
    RatioRow{AspectRatio::r9_16, "9:16", {720, 1280}, {1584, 2816}},
    RatioRow{AspectRatio::r16_9, "16:9", {1280, 720}, {2816, 1584}},
    RatioRow{AspectRatio::r2_3, "2:3", {832, 1248}, {1664, 2496}},
    RatioRow{AspectRatio::r3_2, "3:2", {1248, 832}, {2496, 1664}},
    RatioRow{AspectRatio::r9_19_5, "9:19.5", {576, 1248}, {1344, 2912}},
    RatioRow{AspectRatio::r19_5_9, "19.5:9", {1248, 576}, {2912, 1344}},
    RatioRow{AspectRatio::r9_20, "9:20", {576, 1280}, {1440, 3200}},
    RatioRow{AspectRatio::r20_9, "20:9", {1280, 576}, {3200, 1440}},
    RatioRow{AspectRatio::r1_2, "1:2", {704, 1408}, {1456, 2912}},
    RatioRow{AspectRatio::r2_1, "2:1", {1408, 704}, {2912, 1456}},
    RatioRow{AspectRatio::r21_9, "21:9", {1456, 624}, {3136, 1344}},
    RatioRow{AspectRatio::r5_2, "5:2", {1600, 640}, {3200, 1280}},
    RatioRow{AspectRatio::auto_, "auto", {1024, 1024}, {2048, 2048}},
};

struct ResolutionRow {
  Resolution resolution;
  std::string_view word;
};

constexpr std::array kResolutions = {
    ResolutionRow{Resolution::k1, "1k"},
    ResolutionRow{Resolution::k1_5, "1.5k"},
    ResolutionRow{Resolution::k2, "2k"},
};

const RatioRow& row(AspectRatio ratio) {
  const auto index = static_cast<std::size_t>(ratio);
  CHECK(index < kRatios.size() && kRatios[index].ratio == ratio, "no aspect ratio {}", index);
  return kRatios[index];
}

template <class Rows>
std::string words(const Rows& rows) {
  std::string text;
  for (const auto& each : rows) text += fmt::format("{}{}", text.empty() ? "" : ", ", each.word);
  return text;
}

/// What a caller wrote, short enough for an error text.
std::string_view shortened(std::string_view text) { return text.substr(0, 40); }

/// 1.375 times an edge of 1k (a multiple of 16, so the product is whole), to the nearest multiple
/// of 16, the lower one in a tie.
constexpr int edge_1_5k(int edge_1k) { return (edge_1k * 11 / 8 + 7) / 16 * 16; }
static_assert(edge_1_5k(1024) == 1408, "the one measured size");

}  // namespace

std::span<const AspectRatio> all_aspect_ratios() {
  static constexpr auto all = [] {
    std::array<AspectRatio, kRatios.size()> ratios{};
    for (std::size_t i = 0; i < ratios.size(); ++i) ratios[i] = kRatios[i].ratio;
    return ratios;
  }();
  return all;
}

std::span<const Resolution> all_resolutions() {
  static constexpr std::array all = {Resolution::k1, Resolution::k1_5, Resolution::k2};
  return all;
}

std::string_view to_string(AspectRatio ratio) { return row(ratio).word; }

std::string_view to_string(Resolution resolution) {
  const auto index = static_cast<std::size_t>(resolution);
  CHECK(index < kResolutions.size(), "no resolution {}", index);
  return kResolutions[index].word;
}

Result<AspectRatio> parse_aspect_ratio(std::string_view text) {
  for (const auto& each : kRatios)
    if (each.word == text) return each.ratio;
  return fail(ErrorCode::unprocessable,
              fmt::format("unknown aspect_ratio \"{}\", expected one of {}", shortened(text),
                          words(kRatios)),
              "aspect_ratio");
}

Result<Resolution> parse_resolution(std::string_view text) {
  const auto same = [text](const ResolutionRow& each) {
    return equal_ignoring_case(text, each.word);
  };
  const auto* found = std::find_if(kResolutions.begin(), kResolutions.end(), same);
  if (found != kResolutions.end()) return found->resolution;
  return fail(ErrorCode::unprocessable,
              fmt::format("unknown resolution \"{}\", expected one of {}", shortened(text),
                          words(kResolutions)),
              "resolution");
}

PictureSize picture_size(AspectRatio ratio, Resolution resolution) {
  const RatioRow& sizes = row(ratio);
  switch (resolution) {
    case Resolution::k1:
      return sizes.at_1k;
    case Resolution::k1_5:
      return {edge_1_5k(sizes.at_1k.width), edge_1_5k(sizes.at_1k.height)};
    case Resolution::k2:
      return sizes.at_2k;
  }
  CHECK(false, "no resolution {}", static_cast<int>(resolution));
}

PictureSize kept_size(int width, int height, Resolution resolution) {
  constexpr int kStep = 16;
  constexpr int kSideMin = 64;  // what is smaller is no reference
  const PictureSize square = picture_size(AspectRatio::r1_1, resolution);
  const double area_max = static_cast<double>(square.width) * square.height;
  const double scale = std::min(1.0, std::sqrt(area_max / (static_cast<double>(width) * height)));
  const auto side = [&](int pixels) {
    return std::max(kSideMin, static_cast<int>(pixels * scale) / kStep * kStep);
  };
  return {.width = side(width), .height = side(height)};
}

AspectRatio nearest_aspect_ratio(int width, int height) {
  const double wanted = std::log(static_cast<double>(width) / height);
  AspectRatio nearest = AspectRatio::r1_1;
  double smallest = std::numeric_limits<double>::infinity();
  for (const AspectRatio ratio : all_aspect_ratios()) {
    if (ratio == AspectRatio::auto_) continue;
    const std::string words(to_string(ratio));
    const double x = std::stod(words);
    const double y = std::stod(words.substr(words.find(':') + 1));
    const double distance = std::abs(std::log(x / y) - wanted);
    if (distance >= smallest) continue;
    smallest = distance;
    nearest = ratio;
  }
  return nearest;
}

}  // namespace imagined::service
