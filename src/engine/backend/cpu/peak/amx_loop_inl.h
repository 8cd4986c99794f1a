// Products of tile registers and nothing else. Included by files that are compiled for AMX only.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace imagined::engine {
namespace {

/// `Product` offers the instruction for four registers of sums, and how many products it adds to
/// each sum (kLength).
template <class Product>
double amx_loop(std::int64_t rounds) {
  // Constant, because GCC's intrinsic says that it reads eight bytes only: stores to the rest of a
  // local variable would be left out.
  static constexpr struct alignas(64) {
    std::uint8_t palette = 1;
    std::uint8_t unused[15] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } kShape;
  _tile_loadconfig(&kShape);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
  for (std::int64_t round = 0; round < rounds; ++round) {
    Product::upper_left();
    Product::upper_right();
    Product::lower_left();
    Product::lower_right();
  }
  _tile_release();
  constexpr double kOperations = 2.0 * 16 * 16 * Product::kLength;  // per instruction
  return static_cast<double>(rounds) * 4 * kOperations;
}

}  // namespace
}  // namespace imagined::engine
