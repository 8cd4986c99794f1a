// Money is whole ticks of 1e-10 US dollar, the unit of the wire. Nothing floating-point holds it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::service {

inline constexpr std::int64_t kTicksPerUsd = 10'000'000'000;
/// Largest amount that is read from outside: sums of many fit into 64 bits.
inline constexpr std::int64_t kUsdMax = 10'000'000;

/// "0.02", "1", "-0.5": at most ten decimals, no sign but a minus, no exponent, no more than
/// kUsdMax. `invalid_argument` names `field`, the text and what is allowed.
Result<std::int64_t> parse_usd(std::string_view text, std::string_view field);
/// The shortest text with at least two decimals: "0.02", "1.00", "0.0000000001".
std::string format_usd(std::int64_t usd_ticks);

/// Our own sums: what does not fit into 64 bits is our bug and kills the process.
std::int64_t sum_of(std::int64_t a, std::int64_t b);
std::int64_t product_of(std::int64_t price, std::int64_t count);

}  // namespace imagined::service
