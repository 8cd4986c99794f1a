#include "service/limits/hit_log.h"

#include <algorithm>

#include "base/check.h"

namespace imagined::service {

void HitLog::add(std::int64_t at_ms, std::int64_t units) {
  CHECK(units > 0, "a hit of {} units", units);
  CHECK(hits_.empty() || hits_.back().at_ms <= at_ms, "a hit {} ms before the last one",
        hits_.back().at_ms - at_ms);
  hits_.push_back({at_ms, total() + units});
}

void HitLog::forget(std::int64_t window_ms, std::int64_t now_ms) {
  while (!hits_.empty() && hits_.front().at_ms <= now_ms - window_ms) {
    dropped_ = hits_.front().total;
    hits_.pop_front();
  }
}

std::int64_t HitLog::left(std::int64_t window_ms, std::int64_t now_ms) const {
  const auto inside = std::ranges::upper_bound(hits_, now_ms - window_ms, {},
                                               [](const Hit& hit) { return hit.at_ms; });
  return inside == hits_.begin() ? dropped_ : std::prev(inside)->total;
}

std::int64_t HitLog::used(std::int64_t window_ms, std::int64_t now_ms) const {
  return total() - left(window_ms, now_ms);
}

std::optional<std::int64_t> HitLog::wait_ms(const Window& window, std::int64_t units,
                                            std::int64_t now_ms) const {
  if (units > window.limit) return std::nullopt;
  // The first hit with which enough has left.
  const std::int64_t must_leave = total() + units - window.limit;
  if (must_leave <= left(window.window_ms, now_ms)) return 0;
  const auto last =
      std::ranges::lower_bound(hits_, must_leave, {}, [](const Hit& hit) { return hit.total; });
  return last->at_ms + window.window_ms - now_ms;
}

std::int64_t HitLog::full_ms(std::int64_t window_ms, std::int64_t now_ms) const {
  return hits_.empty() ? 0 : std::max<std::int64_t>(0, hits_.back().at_ms + window_ms - now_ms);
}

}  // namespace imagined::service
