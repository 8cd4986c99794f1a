#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace imagined::service {

/// At most `limit` units in any stretch of `window_ms`, wherever it begins.
struct Window {
  std::int64_t limit = 0;      // at least 1
  std::int64_t window_ms = 0;  // at least 1
};

/// When how many units were drawn: what sliding windows count. A hit at time t is in the window
/// (now - window_ms, now], so it leaves exactly window_ms after it came. Times are of a clock that
/// does not run backwards. A log is as long as the largest limit over it, never longer: refused
/// draws are not written. Not thread-safe.
class HitLog {
 public:
  /// `at_ms` is not before the last hit.
  void add(std::int64_t at_ms, std::int64_t units);
  /// Drops what has left a window of this length.
  void forget(std::int64_t window_ms, std::int64_t now_ms);

  bool empty() const { return hits_.empty(); }
  /// Units in the window that ends now.
  std::int64_t used(std::int64_t window_ms, std::int64_t now_ms) const;
  /// How long until `units` more have room, if nobody else draws; 0: now; none: never, because they
  /// are more than the limit.
  std::optional<std::int64_t> wait_ms(const Window& window, std::int64_t units,
                                      std::int64_t now_ms) const;
  /// How long until nothing is counted any more.
  std::int64_t full_ms(std::int64_t window_ms, std::int64_t now_ms) const;

 private:
  struct Hit {
    std::int64_t at_ms;
    std::int64_t total;  // units of this hit and of all before it, dropped ones too
  };
  std::int64_t total() const { return hits_.empty() ? dropped_ : hits_.back().total; }
  /// Units of all hits that have left the window.
  std::int64_t left(std::int64_t window_ms, std::int64_t now_ms) const;

  std::deque<Hit> hits_;
  std::int64_t dropped_ = 0;  // units of what was forgotten
};

}  // namespace imagined::service
