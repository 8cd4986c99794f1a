#include "service/limits/limit.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace imagined::service {
namespace {

/// Longer than any wait: what never fits is the worst reason of all.
bool waits_longer(const std::optional<std::int64_t>& a, const std::optional<std::int64_t>& b) {
  if (!b) return false;
  return !a || *a > *b;
}

/// "Requests per Second" as hosted servers write it, where the window has a name.
std::string in_words(const LimitRule& rule) {
  const std::string_view what = rule.unit == LimitUnit::pictures ? "Pictures" : "Requests";
  switch (rule.window.window_ms) {
    case 1'000:
      return fmt::format("{} per Second", what);
    case 60'000:
      return fmt::format("{} per Minute", what);
    default:
      return fmt::format("{} per {} s", what, static_cast<double>(rule.window.window_ms) / 1000);
  }
}

}  // namespace

Verdict decide(std::span<const Draw> draws, std::span<const HitLog* const> logs,
               std::int64_t now_ms) {
  CHECK(draws.size() == logs.size(), "{} draws and {} logs", draws.size(), logs.size());
  Verdict verdict{.wait_ms = 0};
  for (std::size_t i = 0; i < draws.size(); ++i) {
    for (const LimitRule& rule : draws[i].rules) {
      const auto wait_ms = logs[i]->wait_ms(rule.window, draws[i].units, now_ms);
      if (waits_longer(wait_ms, verdict.wait_ms)) {
        verdict.admitted = false;
        verdict.wait_ms = wait_ms;
        verdict.draw = i;
        verdict.standing = verdict.standings.size();
      }
      verdict.standings.push_back({.rule = rule,
                                   .used = logs[i]->used(rule.window.window_ms, now_ms),
                                   .full_ms = logs[i]->full_ms(rule.window.window_ms, now_ms)});
    }
  }
  if (!verdict.admitted) return verdict;
  std::size_t standing = 0;
  for (const Draw& draw : draws) {
    for (const LimitRule& rule : draw.rules) {
      verdict.standings[standing].used += draw.units;
      if (draw.units > 0) verdict.standings[standing].full_ms = rule.window.window_ms;
      ++standing;
    }
  }
  return verdict;
}

std::int64_t longest_window_ms(const Draw& draw) {
  std::int64_t longest_ms = 0;
  for (const LimitRule& rule : draw.rules) longest_ms = std::max(longest_ms, rule.window.window_ms);
  return longest_ms;
}

LimitFigures figures_of(const Verdict& verdict) {
  LimitFigures figures{.rules = verdict.standings};
  if (verdict.standings.empty()) return figures;
  const auto rank = [](const Standing& each) {
    const bool spent = each.remaining() <= 0;
    return std::pair(spent, spent ? each.full_ms : each.rule.window.window_ms);
  };
  const Standing& shown = verdict.admitted ? *std::ranges::max_element(verdict.standings, {}, rank)
                                           : verdict.standings[verdict.standing];
  figures.limit = shown.rule.window.limit;
  figures.remaining = std::max<std::int64_t>(0, shown.remaining());
  figures.reset_ms = shown.full_ms;
  return figures;
}

std::int64_t retry_after_s(std::int64_t wait_ms) {
  return std::clamp<std::int64_t>((wait_ms + 999) / 1000, 1, kRetryAfterSecondsMax);
}

Result<void> check_in_flight(std::int64_t in_flight, std::int64_t in_flight_max) {
  if (in_flight < in_flight_max) return {};
  return fail(
      ErrorCode::resource_exhausted,
      fmt::format("Too many requests at the same time: {} of this key are in work and {} are "
                  "allowed.",
                  in_flight, in_flight_max));
}

Error limit_error(const Verdict& verdict, std::string_view subject) {
  CHECK(!verdict.admitted, "an error of what was admitted");
  const Standing& standing = verdict.standings[verdict.standing];
  if (!verdict.wait_ms)
    return {.code = ErrorCode::resource_exhausted,
            .message = fmt::format("Too much at once for {}: the limit is {} {}.", subject,
                                   standing.rule.window.limit, in_words(standing.rule)),
            .retry = Retry::no};
  return {.code = ErrorCode::resource_exhausted,
          .message = fmt::format("Too many requests for {}. The rate limit is - {} (actual/limit): "
                                 "{}/{}. Try again in {} s.",
                                 subject, in_words(standing.rule), standing.used,
                                 standing.rule.window.limit, retry_after_s(*verdict.wait_ms)),
          .retry_after_ms = *verdict.wait_ms};
}

}  // namespace imagined::service
