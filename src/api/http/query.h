// What stands behind the question mark of a target.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::api {

class Query {
 public:
  /// `invalid_argument` names a parameter that is not one of `names`, that is given twice, or whose
  /// escapes are broken.
  static Result<Query> parse(std::string_view text, std::initializer_list<std::string_view> names);

  /// Decoded; empty when it is not given.
  std::string_view operator[](std::string_view name) const;
  /// `invalid_argument` for what is no whole number in the range.
  Result<std::int64_t> number(std::string_view name, std::int64_t if_absent, std::int64_t min,
                              std::int64_t max) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace imagined::api
