// Four whole numbers a lane in 256-bit vectors, for tile_int8_inl.h; see isa_avx2_inl.h.
#pragma once

#include "engine/backend/cpu/tile/isa_avx2_inl.h"

namespace imagined::engine {
namespace {

/// What products of whole numbers in 256-bit vectors have in common.
struct Avx2Ints : Avx2 {
  using Int = __m256i;
  using Operand = __m256i;

  static Int load_int(const std::int32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Float to_float(Int sum) { return _mm256_cvtepi32_ps(sum); }
  static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Operand load_operand(const char* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Operand broadcast(const char* p) {
    std::int32_t four;
    __builtin_memcpy(&four, p, sizeof(four));
    return _mm256_set1_epi32(four);
  }
};

}  // namespace
}  // namespace imagined::engine
