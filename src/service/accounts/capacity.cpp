#include "service/accounts/capacity.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/utf8.h"

namespace imagined::service {
namespace {

Result<void> check_rate(const std::optional<std::int64_t>& rate, const char* field) {
  if (!rate || (*rate >= 1 && *rate <= kCapacityMax)) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} is {}, expected 1 to {}", field, *rate, kCapacityMax), field);
}

}  // namespace

CapacityRequest within_pace(const CapacityRequest& asked, const Rates& has, const QueuePace& pace) {
  if (pace.per_minute == 0) return asked;
  CapacityRequest given = asked;
  const auto clamp = [](std::optional<std::int64_t>& rate, std::int64_t has_now,
                        std::int64_t made) {
    if (rate) rate = std::min(*rate, std::max(has_now, made));
  };
  clamp(given.per_second, has.per_second, (pace.per_minute + 59) / 60);
  clamp(given.per_minute, has.per_minute, pace.per_minute);
  return given;
}

Result<void> check_capacity(const CapacityRequest& request) {
  if (!request.per_second && !request.per_minute)
    return fail(ErrorCode::invalid_argument, "qps or qpm is needed: requests a second or a minute",
                "qps");
  TRY(check_rate(request.per_second, "qps"));
  TRY(check_rate(request.per_minute, "qpm"));
  if (request.reason.size() > kReasonBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("reason has {} bytes, at most {} are allowed", request.reason.size(),
                            kReasonBytesMax),
                "reason");
  if (!is_printable_line(request.reason))
    return fail(ErrorCode::invalid_argument, "reason has a control character or broken UTF-8",
                "reason");
  return {};
}

}  // namespace imagined::service
