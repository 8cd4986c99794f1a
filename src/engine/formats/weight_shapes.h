// Sizes read off the names and shapes of tensors, for files that come without a configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/formats/weight_source.h"

namespace imagined::engine {

/// Shapes by canonical name. The first one that is missing or not of the expected rank is
/// remembered and every later call returns 1, so that a detection is a list of reads with one
/// question at the end.
class WeightShapes {
 public:
  explicit WeightShapes(const WeightSource& weights);

  std::int64_t size(std::string_view name, std::size_t rank, std::size_t axis);
  /// How many N there are in names of the form `prefix` N `.`...
  std::int64_t count(std::string_view prefix) const;
  bool has(std::string_view name) const { return weights_->has(name); }
  /// a / b where b divides a; 1 and a complaint otherwise.
  std::int64_t exact_ratio(std::int64_t a, std::int64_t b, std::string_view what);

  /// Notes a mistake found by the caller.
  void refuse(std::string message);
  /// The first mistake.
  Result<> finish() const;

 private:
  const WeightSource* weights_;
  std::vector<std::string> names_;
  std::vector<std::string_view> views_;  // into names_
  std::optional<Error> error_;
};

}  // namespace imagined::engine
