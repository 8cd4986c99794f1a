#include "api/wire/limit_headers.h"

#include <fmt/core.h>

#include <algorithm>

namespace imagined::api::wire {
namespace {

std::int64_t seconds_up(std::int64_t ms) { return (ms + 999) / 1000; }

/// "250ms", "1.5s", "1m0s": as Go and OpenAI write a duration.
std::string duration(std::int64_t ms) {
  if (ms < 1'000) return ms == 0 ? "0s" : fmt::format("{}ms", ms);
  std::string seconds = fmt::format("{}", ms / 1'000 % 60);
  if (ms % 1'000 != 0) {
    seconds += fmt::format(".{:03}", ms % 1'000);
    while (seconds.back() == '0') seconds.pop_back();
  }
  return ms < 60'000 ? seconds + "s" : fmt::format("{}m{}s", ms / 60'000, seconds);
}

}  // namespace

std::vector<LimitHeader> limit_headers(const service::LimitFigures& figures, std::int64_t unix_ms) {
  if (figures.rules.empty()) return {};
  std::string policy;
  std::string state;
  for (const service::Standing& each : figures.rules) {
    const std::string_view comma = policy.empty() ? "" : ", ";
    policy += fmt::format("{}\"{}\";q={};w={}", comma, each.rule.name, each.rule.window.limit,
                          seconds_up(each.rule.window.window_ms));
    state += fmt::format("{}\"{}\";r={};t={}", comma, each.rule.name,
                         std::max<std::int64_t>(0, each.remaining()), seconds_up(each.full_ms));
  }
  const std::string limit = fmt::format("{}", figures.limit);
  const std::string remaining = fmt::format("{}", figures.remaining);
  return {{"x-ratelimit-limit", limit},
          {"x-ratelimit-remaining", remaining},
          {"x-ratelimit-reset", fmt::format("{}", seconds_up(unix_ms + figures.reset_ms))},
          {"x-ratelimit-limit-requests", limit},
          {"x-ratelimit-remaining-requests", remaining},
          {"x-ratelimit-reset-requests", duration(figures.reset_ms)},
          {"ratelimit-policy", policy},
          {"ratelimit", state}};
}

}  // namespace imagined::api::wire
