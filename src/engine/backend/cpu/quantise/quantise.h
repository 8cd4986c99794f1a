// Numbers as whole numbers of eight bits that share a factor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/tensor/dtype.h"

namespace imagined::engine {

/// What whole numbers are worth, and what they come to.
struct Quantised {
  float factor = 0;      // the number is whole number * factor
  std::int32_t sum = 0;  // of the whole numbers
};

/// Whole numbers to round to: [-largest, largest] + zero_point.
struct Levels {
  int largest = 127;   // at most 127
  int zero_point = 0;  // or 128, for bytes without a sign
};

/// Rounds to the multiple of a factor that is nearest, ties to even.
///
///   factor  largest magnitude / levels.largest; 0 where that is below 2^-119, and NaN where a
///   number is NaN
///           or infinite; all whole numbers are then 0
///   out[i] = levels.zero_point + round(in[i] * (levels.largest / largest magnitude)), in f32
///
/// in    [count], not necessarily aligned.
/// next  what is read next, wherever it lies: it is asked of the memory on the way, because reading
///       weights is half of the work.
Quantised quantise(const float* in, std::int64_t count, Levels levels, std::uint8_t* out,
                   std::span<const std::byte> next = {});
Quantised quantise(const Bf16* in, std::int64_t count, Levels levels, std::uint8_t* out,
                   std::span<const std::byte> next = {});

}  // namespace imagined::engine
