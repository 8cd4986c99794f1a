// Time as a parameter, so that tests are exact.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace imagined {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall time in milliseconds since 1970-01-01 UTC: what is stored and shown.
  virtual std::int64_t unix_ms() const = 0;
  /// Milliseconds that never run backwards: leases, limits, durations.
  virtual std::int64_t monotonic_ms() const = 0;
  /// Names the zero of `monotonic_ms`: readings under two names cannot be compared.
  virtual std::string origin() const = 0;
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
  /// The same for all processes until the machine starts again.
  std::string origin() const override;
};

/// A clock that moves when a test says so.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t start_ms = 1'700'000'000'000) : now_ms_(start_ms) {}
  std::int64_t unix_ms() const override { return now_ms_; }
  std::int64_t monotonic_ms() const override { return now_ms_; }
  std::string origin() const override { return origin_; }
  /// As after a restart of the machine.
  void set_origin(std::string origin) { origin_ = std::move(origin); }
  void advance_ms(std::int64_t ms) { now_ms_ += ms; }

 private:
  std::int64_t now_ms_;
  std::string origin_ = "first";
};

}  // namespace imagined
