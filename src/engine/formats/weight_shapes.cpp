#include "engine/formats/weight_shapes.h"

#include <fmt/core.h>

#include "engine/formats/name_table.h"

namespace imagined::engine {

WeightShapes::WeightShapes(const WeightSource& weights)
    : weights_(&weights), names_(weights.names()), views_(names_.begin(), names_.end()) {}

std::int64_t WeightShapes::size(std::string_view name, std::size_t rank, std::size_t axis) {
  const std::vector<std::int64_t> shape = weights_->shape(name);
  if (!weights_->has(name)) {
    refuse(fmt::format("tensor \"{}\" is missing", name));
  } else if (shape.size() != rank || shape[axis] <= 0) {
    refuse(fmt::format("tensor \"{}\": expected {} sizes above 0, file has {}", name, rank,
                       to_string(shape)));
  } else {
    return shape[axis];
  }
  return 1;
}

std::int64_t WeightShapes::count(std::string_view prefix) const {
  return count_indices(views_, prefix);
}

std::int64_t WeightShapes::exact_ratio(std::int64_t a, std::int64_t b, std::string_view what) {
  if (a % b == 0) return a / b;
  refuse(fmt::format("{}: {} is not divisible by {}", what, a, b));
  return 1;
}

void WeightShapes::refuse(std::string message) {
  if (!error_) error_ = Error{ErrorCode::invalid_argument, std::move(message), {}, {}};
}

Result<> WeightShapes::finish() const {
  if (error_) return tl::unexpected(*error_);
  return {};
}

}  // namespace imagined::engine
