// Quotas: how many pictures, or how much money, in a calendar day or month (UTC). Unlike the
// windows of service/limits they are counted with the money, so that only what is sold uses them
// up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::service {

/// Spelled as in the database.
enum class QuotaPeriod : std::uint8_t { day, month };

/// A stretch of the calendar: [begin, end).
struct Period {
  std::string name;  // "2026-11-28", "2026-11"
  std::int64_t end_ms = 0;
};
Period period_at(QuotaPeriod period, std::int64_t unix_ms);

struct Amount {
  std::int64_t pictures = 0;
  std::int64_t usd_ticks = 0;

  bool operator==(const Amount&) const = default;
};

struct Quota {
  std::string bucket;  // "key:Ab3dE6gH9jKl", "team:default", "user:default/alice"
  QuotaPeriod period = QuotaPeriod::day;
  std::optional<std::int64_t> pictures;   // none: as many as one likes
  std::optional<std::int64_t> usd_ticks;  // none: as much as one likes
  bool is_teams_month = false;            // which the team may have set lower itself
};
/// With the team's own limit, where that is lower.
Quota lowered(Quota quota, std::optional<std::int64_t> own_usd_ticks);

/// `resource_exhausted` of a kind that a client should not ask again about by itself.
tl::unexpected<Error> quota_spent(std::string message);

/// Whether `wanted` fits beside what is used, reserved included. `quota_spent`: what is spent, what
/// is asked for, when the quota begins anew.
Result<void> check_quota(const Quota& quota, const Amount& used, const Amount& wanted,
                         std::int64_t unix_ms);

}  // namespace imagined::service
