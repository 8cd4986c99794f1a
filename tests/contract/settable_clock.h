#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/clock.h"

namespace imagined {

/// A ManualClock whose time of day can be set, as people and time servers do: what only ever goes
/// on does not notice.
class SettableClock final : public Clock {
 public:
  std::int64_t unix_ms() const override { return monotonic_ms() + ahead_ms_; }
  std::int64_t monotonic_ms() const override { return steady_.monotonic_ms(); }
  std::string origin() const override { return steady_.origin(); }
  void set_origin(std::string origin) { steady_.set_origin(std::move(origin)); }
  void advance_ms(std::int64_t ms) { steady_.advance_ms(ms); }
  /// Forward, or back.
  void set_by_ms(std::int64_t ms) { ahead_ms_ += ms; }

 private:
  ManualClock steady_{5'000};  // since the machine was started
  std::int64_t ahead_ms_ = 1'700'000'000'000;
};

}  // namespace imagined
