// Whole numbers of pieces.
#pragma once

#include <cstdint>

namespace imagined::engine {

/// How many pieces of `b` hold `a` things; a >= 0, b > 0.
constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
/// `a`, or the next multiple of `b` above it.
constexpr std::int64_t round_up(std::int64_t a, std::int64_t b) { return divide_up(a, b) * b; }

}  // namespace imagined::engine
