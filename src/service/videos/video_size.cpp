#include "service/videos/video_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/words.h"

namespace imagined::service {
namespace {

struct Shape {
  AspectRatio ratio;
  double width_to_height;
  PictureSize at_480p;
  PictureSize at_720p;
};

constexpr std::array kShapes = {
    Shape{AspectRatio::r1_1, 1.0, {480, 480}, {720, 720}},
    Shape{AspectRatio::r16_9, 16.0 / 9, {848, 480}, {1280, 720}},
    Shape{AspectRatio::r9_16, 9.0 / 16, {480, 848}, {720, 1280}},
    Shape{AspectRatio::r4_3, 4.0 / 3, {640, 480}, {960, 720}},
    Shape{AspectRatio::r3_4, 3.0 / 4, {480, 640}, {720, 960}},
    Shape{AspectRatio::r3_2, 3.0 / 2, {720, 480}, {1080, 720}},
    Shape{AspectRatio::r2_3, 2.0 / 3, {480, 720}, {720, 1080}},
};

constexpr auto kRatios = [] {
  std::array<AspectRatio, kShapes.size()> ratios{};
  std::ranges::transform(kShapes, ratios.begin(), &Shape::ratio);
  return ratios;
}();

constexpr std::array kResolutions = {VideoResolution::p480, VideoResolution::p720};

template <class Words>
tl::unexpected<Error> none_of(const Words& words, std::string_view field, std::string_view text) {
  std::vector<std::string_view> allowed;
  for (const auto word : words) allowed.push_back(to_string(word));
  return fail(ErrorCode::unprocessable,
              fmt::format("{} is \"{}\", expected one of {}", field, text.substr(0, 40),
                          join_words(allowed, ", ")),
              std::string(field));
}

}  // namespace

std::span<const AspectRatio> video_aspect_ratios() { return kRatios; }
std::span<const VideoResolution> video_resolutions() { return kResolutions; }

std::string_view to_string(VideoResolution resolution) {
  switch (resolution) {
    case VideoResolution::p480:
      return "480p";
    case VideoResolution::p720:
      return "720p";
  }
  CHECK(false, "no video resolution {}", static_cast<int>(resolution));
}

Result<AspectRatio> parse_video_aspect_ratio(std::string_view text) {
  for (const AspectRatio ratio : kRatios)
    if (to_string(ratio) == text) return ratio;
  return none_of(kRatios, "aspect_ratio", text);
}

Result<VideoResolution> parse_video_resolution(std::string_view text) {
  const auto lower = [](char c) { return c == 'P' ? 'p' : c; };
  for (const VideoResolution resolution : kResolutions)
    if (std::ranges::equal(to_string(resolution), text, {}, {}, lower)) return resolution;
  return none_of(kResolutions, "resolution", text);
}

PictureSize video_size(AspectRatio ratio, VideoResolution resolution) {
  const auto* shape = std::ranges::find(kShapes, ratio, &Shape::ratio);
  CHECK(shape != kShapes.end(), "no video is {}", to_string(ratio));
  return resolution == VideoResolution::p480 ? shape->at_480p : shape->at_720p;
}

AspectRatio nearest_video_aspect_ratio(int width, int height) {
  CHECK(width > 0 && height > 0, "a picture of {} x {}", width, height);
  const double wanted = std::log(static_cast<double>(width) / height);
  return std::ranges::min_element(
             kShapes, {},
             [&](const Shape& shape) { return std::abs(std::log(shape.width_to_height) - wanted); })
      ->ratio;
}

}  // namespace imagined::service
