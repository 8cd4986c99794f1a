#include "service/pictures/given_size.h"

#include <fmt/format.h>

#include <algorithm>

namespace imagined::service {

Result<void> check_given_size(std::span<const std::uint8_t> file, const Model& model,
                              const Abilities& abilities) {
  const auto header = image::check_header(file, kGivenPictureLimits);
  if (!header) return {};
  const image::Shrink decoded = image::shrink_for(*header, kGivenPictureLimits);
  const int shorter = std::min(decoded.width, decoded.height);
  const int longer = std::max(decoded.width, decoded.height);
  const int ratio_max = abilities.reference_ratio_max;
  const bool is_small = shorter < abilities.reference_side_px_min;
  const bool is_long = ratio_max > 0 && longer > std::int64_t{ratio_max} * shorter;
  if (!is_small && !is_long) return {};
  const bool turned = image::swaps_sides(header->orientation);
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("the image has {} x {} pixels; the model \"{}\" takes pictures of at "
                  "least {} on each side, at most {} times as long as wide",
                  turned ? header->height : header->width, turned ? header->width : header->height,
                  model.id, abilities.reference_side_px_min, ratio_max),
      "image");
}

}  // namespace imagined::service
