// How many whole numbers share a factor.
#pragma once

#include <cstdint>

#include "engine/backend/cpu/round.h"

namespace imagined::engine {

/// As many as fit the second-level cache, a panel of them. The two halves of a single block's
/// input, attention's output and the MLP's inner rows, of different magnitude, are apart at FLUX's
/// widths.
inline constexpr std::int64_t kInt8BlockMax = 3072;

/// Neighbours of a row of k numbers that share a factor; the last block may be shorter.
constexpr std::int64_t int8_block(std::int64_t k) {
  constexpr std::int64_t kUnit = 1024;
  if (k <= kInt8BlockMax) return k <= 0 ? 64 : round_up(k, 64);
  return round_up(divide_up(k, divide_up(k, kInt8BlockMax)), kUnit);
}

}  // namespace imagined::engine
