// What a server says of itself to whoever watches it: numbers with a name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace imagined::service {

struct Gauge {
  enum class Kind : std::uint8_t {
    level,    // goes up and down
    counter,  // only up, from the start of whatever it counts
  };
  std::string_view name;  // without the program's prefix: "jobs"
  std::string_view help;
  Kind kind = Kind::level;
  std::vector<std::pair<std::string_view, std::string>> labels;
  std::variant<std::int64_t, double> value;
};

/// Gauges of one name stand together.
using Gauges = std::vector<Gauge>;

}  // namespace imagined::service
