#include "base/timestamp.h"

#include <fmt/core.h>

#include <charconv>
#include <chrono>
#include <optional>

namespace imagined {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::int64_t kSpanSecondsMax = 100LL * 366 * 86'400;

/// Takes `digits` digits off the front; none when they are not there.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits) return std::nullopt;
  const char* end = text.data() + digits;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || text.front() == '-') return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take_letter(std::string_view& text, std::string_view letters) {
  if (text.empty() || letters.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

/// "17:05" with the given largest hour, as minutes.
std::optional<int> take_clock(std::string_view& text, int hour_max) {
  const auto hour = take_number(text, 2);
  if (!hour || !take_letter(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *hour > hour_max || *minute > 59) return std::nullopt;
  return *hour * 60 + *minute;
}

/// What stands behind a date, in milliseconds; none when it is no time of day.
std::optional<std::int64_t> time_of_day(std::string_view text) {
  if (text.empty()) return 0;
  if (!take_letter(text, "Tt ")) return std::nullopt;
  const auto minutes = take_clock(text, 23);
  if (!minutes) return std::nullopt;
  std::int64_t ms = *minutes * 60'000LL;
  if (take_letter(text, ":")) {
    const auto second = take_number(text, 2);
    if (!second || *second > 59) return std::nullopt;
    ms += *second * 1'000LL;
  }
  if (take_letter(text, ".")) {
    const auto end = text.find_first_not_of("0123456789");
    if (end == 0 || text.empty()) return std::nullopt;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  }
  if (take_letter(text, "Zz")) return text.empty() ? std::optional(ms) : std::nullopt;
  const bool east = text.starts_with('+');
  if (!take_letter(text, "+-")) return std::nullopt;
  const auto offset = take_clock(text, 23);
  if (!offset || !text.empty()) return std::nullopt;
  return ms - (east ? 1 : -1) * *offset * 60'000LL;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!year || !take_letter(text, "-")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take_letter(text, "-")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const year_month_day date(std::chrono::year(*year),
                            std::chrono::month(static_cast<unsigned>(*month)),
                            std::chrono::day(static_cast<unsigned>(*day)));
  const auto rest = time_of_day(text);
  if (!date.ok() || *year < 1970 || !rest) return std::nullopt;
  return milliseconds(sys_days(date).time_since_epoch()).count() + *rest;
}

tl::unexpected<Error> refuse(std::string_view field, std::string_view text,
                             std::string_view expected) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} is {:?}, expected {}", field, text.substr(0, 60), expected),
              std::string(field));
}

std::optional<std::int64_t> parse_span_ms(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  std::int64_t count = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || stop != end || count < 0) return std::nullopt;
  constexpr std::string_view kUnits = "smhd";
  constexpr std::int64_t kSeconds[] = {1, 60, 3'600, 86'400};
  const auto unit = kUnits.find(text.back());
  if (unit == std::string_view::npos || count > kSpanSecondsMax / kSeconds[unit])
    return std::nullopt;
  return count * kSeconds[unit] * 1'000;
}

}  // namespace

std::string to_timestamp(std::int64_t unix_ms) {
  const std::chrono::sys_time<milliseconds> time{milliseconds(unix_ms)};
  const auto midnight = std::chrono::floor<days>(time);
  const year_month_day date(midnight);
  const std::int64_t second = (time - midnight).count() / 1'000;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     second / 3'600, second / 60 % 60, second % 60);
}

Result<std::int64_t> parse_when(std::string_view text, std::int64_t now_unix_ms,
                                std::string_view field) {
  if (const auto span_ms = parse_span_ms(text)) return now_unix_ms + *span_ms;
  if (const auto time_ms = parse_time(text)) return *time_ms;
  return refuse(field, text,
                "a time such as 2026-12-31T23:59:59Z or a span from now on such as 10s, 5m, 2h or "
                "30d");
}

Result<Period> parse_period(std::string_view from, std::string_view until) {
  const auto read = [](std::string_view text, std::string_view field,
                       std::int64_t& time_ms) -> Result<void> {
    if (text.empty()) return {};
    const auto given_ms = parse_time(text);
    if (!given_ms)
      return refuse(field, text, "a day or time such as 2026-11-01 or 2026-11-01T12:00:00Z");
    time_ms = *given_ms;
    return {};
  };
  Period period;
  TRY(read(from, "from", period.from_ms));
  TRY(read(until, "until", period.until_ms));
  if (period.until_ms > period.from_ms) return period;
  return refuse(
      "until", until,
      fmt::format("a time after {}, where the period begins", from.empty() ? "1970" : from));
}

Result<std::int64_t> parse_span(std::string_view text, std::string_view field) {
  if (const auto span_ms = parse_span_ms(text)) return *span_ms;
  return refuse(field, text, "a span such as 10s, 5m, 2h or 30d");
}

}  // namespace imagined
