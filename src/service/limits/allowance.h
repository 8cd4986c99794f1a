#pragma once

#include <cstdint>
#include <optional>

namespace imagined::service {

/// What somebody may ask for at most: a key, a team, an end user. What is not set is not limited
/// here.
struct Allowance {
  std::optional<std::int64_t> per_second;  // requests for one model
  std::optional<std::int64_t> per_minute;  // requests for one model
  std::optional<std::int64_t> in_flight;   // jobs that are not final
  std::optional<std::int64_t> pictures_per_day;
  std::optional<std::int64_t> pictures_per_month;
  std::optional<std::int64_t> usd_ticks_per_day;
  std::optional<std::int64_t> usd_ticks_per_month;

  bool operator==(const Allowance&) const = default;
};

}  // namespace imagined::service
