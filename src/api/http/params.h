// What stood at the {...} of a route's pattern.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"

namespace imagined::api {

class Params {
 public:
  /// The decoded value of `{name}` or `{name*}`. Asking for a name that the route's pattern does
  /// not have is our mistake.
  const std::string& operator[](std::string_view name) const {
    for (const auto& [key, value] : values_) {
      if (key == name) return value;
    }
    CHECK(false, "the route has no parameter {}", name);
    return values_.front().second;
  }
  void add(std::string_view name, std::string value) {
    values_.emplace_back(name, std::move(value));
  }

 private:
  std::vector<std::pair<std::string_view, std::string>> values_;  // names are parts of patterns
};

}  // namespace imagined::api
