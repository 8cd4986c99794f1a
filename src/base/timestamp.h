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

/// From a time on and before another, as unix milliseconds.
struct Period {
  std::int64_t from_ms = 0;
  std::int64_t until_ms = INT64_MAX;
};

/// For what has been: the fields "from" and "until" of a report, of which each may be empty. Times
/// as above, without spans; `invalid_argument` also where "until" is not after "from".
Result<Period> parse_period(std::string_view from, std::string_view until);
/// A span alone, in milliseconds.
Result<std::int64_t> parse_span(std::string_view text, std::string_view field);

}  // namespace imagined
