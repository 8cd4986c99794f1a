#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string_view>

#include "base/result.h"

namespace imagined::service {

/// Something that must be done again and again for the server to stay as it is. One file each.
struct Duty {
  std::string_view name;  // for the log
  std::chrono::milliseconds interval;
  /// How many things it did. It may be stopped in the middle: what is left is done the next time.
  std::function<Result<int>(const std::stop_token&)> run_once;
};

}  // namespace imagined::service
