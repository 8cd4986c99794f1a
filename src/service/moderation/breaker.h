#pragma once

#include <cstdint>
#include <mutex>

namespace imagined::service {

/// Spares who does not answer: after some failures in a row nobody asks for a while, then one does,
/// and its outcome decides. Thread-safe.
class Breaker {
 public:
  static constexpr int kFailuresMax = 5;
  static constexpr std::int64_t kPauseMs = 5'000;

  /// Whether to ask now, on a monotonic clock; who may must say how it went.
  bool may_try(std::int64_t now_ms) {
    const std::lock_guard lock(mutex_);
    if (failures_ < kFailuresMax) return true;
    if (now_ms < closed_until_ms_) return false;
    closed_until_ms_ = now_ms + kPauseMs;  // the others wait for how this one ends
    return true;
  }
  void succeeded() {
    const std::lock_guard lock(mutex_);
    failures_ = 0;
  }
  void failed(std::int64_t now_ms) {
    const std::lock_guard lock(mutex_);
    if (++failures_ >= kFailuresMax) closed_until_ms_ = now_ms + kPauseMs;
  }

 private:
  std::mutex mutex_;
  int failures_ = 0;  // in a row
  std::int64_t closed_until_ms_ = 0;
};

}  // namespace imagined::service
