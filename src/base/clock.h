// Time as a parameter, so that tests are exact.
#pragma once

#include <chrono>
#include <cstdint>

namespace imagined {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall time in milliseconds since 1970-01-01 UTC: what is stored and shown.
  virtual std::int64_t unix_ms() const = 0;
  /// Milliseconds that never run backwards: leases, limits, durations.
  virtual std::int64_t monotonic_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  std::int64_t unix_ms() const override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }
  std::int64_t monotonic_ms() const override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
  }
};

/// A clock that moves when a test says so.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t start_ms = 1'700'000'000'000) : now_ms_(start_ms) {}
  std::int64_t unix_ms() const override { return now_ms_; }
  std::int64_t monotonic_ms() const override { return now_ms_; }
  void advance_ms(std::int64_t ms) { now_ms_ += ms; }

 private:
  std::int64_t now_ms_;
};

}  // namespace imagined
