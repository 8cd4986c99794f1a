#include "engine/models/common/config_rules.h"

#include <fmt/core.h>

namespace imagined::engine {

void check_class(ConfigReader& reader, std::string_view expected) {
  const std::string name = reader.string_or("_class_name", expected);
  if (name != expected)
    reader.refuse("_class_name", fmt::format("{} is not supported, only {}", name, expected),
                  ErrorCode::unimplemented);
}

void check_rope_axes(ConfigReader& reader, std::span<const std::int64_t> axes, std::size_t count,
                     std::int64_t head_dim) {
  std::int64_t sum = 0;
  for (const std::int64_t axis : axes) {
    sum += axis;
    if (axis % 2 != 0)
      reader.refuse("axes_dims_rope", fmt::format("expected even numbers, found {}", axis));
  }
  if (axes.size() != count || sum != head_dim)
    reader.refuse("axes_dims_rope",
                  fmt::format("expected {} numbers with the sum {} (attention_head_dim), found {} "
                              "with the sum {}",
                              count, head_dim, axes.size(), sum));
}

}  // namespace imagined::engine
