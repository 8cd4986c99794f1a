#include "service/billing/quota.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/timestamp.h"
#include "service/billing/money.h"

namespace imagined::service {
namespace {

using std::chrono::days;
using std::chrono::months;
using std::chrono::sys_days;
using std::chrono::year_month_day;

using Milliseconds = std::chrono::sys_time<std::chrono::milliseconds>;

year_month_day date_at(std::int64_t unix_ms) {
  return std::chrono::floor<days>(Milliseconds(std::chrono::milliseconds(unix_ms)));
}

std::string date_text(year_month_day date) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::int64_t unix_ms_of(sys_days day) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(day.time_since_epoch()).count();
}

/// "This key", for the one who holds it; the names of others stay out of messages.
std::string_view owner_in_words(const Quota& quota) {
  if (quota.bucket.starts_with("key:")) return "this key";
  if (quota.bucket.starts_with("user:")) return "this user";
  if (quota.bucket.starts_with("org:")) return "your organisation";
  return "your team";
}

}  // namespace

Period period_at(QuotaPeriod period, std::int64_t unix_ms) {
  const year_month_day today = date_at(unix_ms);
  if (period == QuotaPeriod::day)
    return {.name = date_text(today), .end_ms = unix_ms_of(sys_days(today) + days(1))};
  const year_month_day next = today.year() / today.month() / 1 + months(1);
  return {.name = date_text(today).substr(0, 7), .end_ms = unix_ms_of(sys_days(next))};
}

tl::unexpected<Error> quota_spent(std::string message) {
  return tl::unexpected<Error>(Error{.code = ErrorCode::resource_exhausted,
                                     .message = std::move(message),
                                     .retry = Retry::no,
                                     .reason = ErrorReason::insufficient_quota});
}

Quota lowered(Quota quota, std::optional<std::int64_t> own_usd_ticks) {
  if (own_usd_ticks)
    quota.usd_ticks = std::min(quota.usd_ticks.value_or(*own_usd_ticks), *own_usd_ticks);
  return quota;
}

Result<void> check_quota(const Quota& quota, const Amount& used, const Amount& wanted,
                         std::int64_t unix_ms) {
  const auto refuse = [&](std::string_view what, const std::string& figures) {
    return quota_spent(fmt::format("The {} {} of {} is used up: {}. It begins anew at {}.",
                                   quota.period == QuotaPeriod::day ? "daily" : "monthly", what,
                                   owner_in_words(quota), figures,
                                   to_timestamp(period_at(quota.period, unix_ms).end_ms)));
  };
  if (quota.pictures && used.pictures + wanted.pictures > *quota.pictures)
    return refuse("quota of pictures",
                  fmt::format("{} of {} are made or being made and this request asks for {}",
                              used.pictures, *quota.pictures, wanted.pictures));
  if (quota.usd_ticks && used.usd_ticks + wanted.usd_ticks > *quota.usd_ticks)
    return refuse("budget", fmt::format("{} of {} USD are spent or reserved and this request may "
                                        "cost {} USD",
                                        format_usd(used.usd_ticks), format_usd(*quota.usd_ticks),
                                        format_usd(wanted.usd_ticks)));
  return {};
}

}  // namespace imagined::service
