// The vectors of isa_avx512_inl.h with the product of pairs of bf16. Included by files that are
// compiled for AVX512_BF16 only, and in an unnamed namespace for the same reason as tile_inl.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "engine/backend/cpu/tile/isa_avx512_inl.h"

namespace imagined::engine {
namespace {

struct Avx512Bf16 : Avx512 {
  using Operand = __m512i;

  static Operand load_operand(const char* p) { return _mm512_loadu_si512(p); }
  static Operand broadcast(const char* p) {
    std::int32_t pair;
    __builtin_memcpy(&pair, p, sizeof(pair));
    return _mm512_set1_epi32(pair);
  }
  static Float multiply_add(Float c, Operand a, Operand b) {
    return _mm512_dpbf16_ps(c, (__m512bh)a, (__m512bh)b);
  }
  static void narrow(Float value, std::uint16_t* p) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh(value));
  }
};

}  // namespace
}  // namespace imagined::engine
