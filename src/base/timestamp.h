// Points in time as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined {

/// "2026-11-28T17:05:00Z"; milliseconds are cut off.
std::string to_timestamp(std::int64_t unix_ms);

/// A time ("2026-11-28", "2026-11-28T17:05:00Z", "2026-11-28T17:05:00+01:00", a "T" or a space) or
/// a span from now on ("10s", "5m", "2h", "30d"), as unix milliseconds. `invalid_argument` names
/// the field, the text and what is allowed.
Result<std::int64_t> parse_when(std::string_view text, std::int64_t now_unix_ms,
                                std::string_view field);

/// The same without spans, for what has been: the field "from" of a report.
Result<std::int64_t> parse_day_or_time(std::string_view text, std::string_view field);
/// A span alone, in milliseconds.
Result<std::int64_t> parse_span(std::string_view text, std::string_view field);

}  // namespace imagined
