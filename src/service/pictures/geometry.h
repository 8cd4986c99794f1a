// Aspect ratio and resolution, words of the wire, to the pixels of the finished picture.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace imagined::service {

enum class AspectRatio : std::uint8_t {
  r1_1,
  r3_4,
  r4_3,
  r9_16,
  r16_9,
  r2_3,
  r3_2,
  r9_19_5,
  r19_5_9,
  r9_20,
  r20_9,
  r1_2,
  r2_1,
  r21_9,
  r5_2,
  auto_,  // the default of the REST API; square here
};

enum class Resolution : std::uint8_t { k1, k1_5, k2 };

struct PictureSize {
  int width = 0;  // pixels
  int height = 0;

  bool operator==(const PictureSize&) const = default;
};

/// All sixteen, in the order in which error texts list them.
std::span<const AspectRatio> all_aspect_ratios();
std::span<const Resolution> all_resolutions();

/// "1:1", "19.5:9", "auto".
std::string_view to_string(AspectRatio ratio);
/// "1k", "1.5k", "2k".
std::string_view to_string(Resolution resolution);

/// Exactly one of the words above. Else `unprocessable`, field "aspect_ratio", listing them.
Result<AspectRatio> parse_aspect_ratio(std::string_view text);
/// Upper and lower case alike ("2K"). Else `unprocessable`, field "resolution", listing the words.
Result<Resolution> parse_resolution(std::string_view text);

/// Size of the finished picture, from the table of `xai-api.md` 2.1. There 1.5k is measured for
/// 1:1 only; the others are 1.375 times the edges of 1k, to the nearest multiple of 16 (down in a
/// tie).
PictureSize picture_size(AspectRatio ratio, Resolution resolution);

/// The size of a picture of which a part stays as it is (flux.md 6.3): its own, at most the area of
/// the resolution's square, in whole steps of 16 pixels.
PictureSize kept_size(int width, int height, Resolution resolution);

/// The word whose ratio is nearest to that of a picture: to exact ratios, not to sizes that are
/// rounded to pixels.
AspectRatio nearest_aspect_ratio(int width, int height);

}  // namespace imagined::service
