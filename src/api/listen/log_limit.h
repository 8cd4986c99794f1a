// For what may happen many times a second: the log says it at once, and then how often.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

namespace imagined::api {

class LogLimit {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit LogLimit(std::chrono::milliseconds interval) : interval_(interval) {}

  /// It has happened: how often since the log last said so, this time included. None: said less
  /// than `interval` ago, so not yet again.
  std::optional<int> happened(TimePoint now) {
    ++unsaid_;
    if (said_ && now - *said_ < interval_) return std::nullopt;
    said_ = now;
    return std::exchange(unsaid_, 0);
  }

 private:
  const std::chrono::milliseconds interval_;
  std::optional<TimePoint> said_;
  int unsaid_ = 0;
};

}  // namespace imagined::api
