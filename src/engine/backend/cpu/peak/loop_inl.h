// Independent sums, enough of them to cover the latency of the multiplier on every known machine.
// Included by peak_<isa>.cpp only, and in an unnamed namespace for the same reason as tile_inl.h.
#pragma once

#include "engine/backend/cpu/peak/loops.h"

namespace imagined::engine {
namespace {

template <class Isa>
double peak_loop(std::int64_t rounds) {
  constexpr int kSums = Isa::kSums;
  typename Isa::Vector sums[kSums];
  typename Isa::Vector a = Isa::zero();
  typename Isa::Vector b = Isa::zero();
#pragma GCC unroll 32
  for (int i = 0; i < kSums; ++i) sums[i] = Isa::zero();
  for (std::int64_t round = 0; round < rounds; ++round) {
    Isa::hide(a);
    Isa::hide(b);
#pragma GCC unroll 32
    for (int i = 0; i < kSums; ++i) sums[i] = Isa::multiply_add(sums[i], a, b);
#pragma GCC unroll 32
    for (int i = 0; i < kSums; ++i) Isa::hide(sums[i]);
  }
  return static_cast<double>(rounds) * kSums * Isa::kOperations;
}

}  // namespace
}  // namespace imagined::engine
