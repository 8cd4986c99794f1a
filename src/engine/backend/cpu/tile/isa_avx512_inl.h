// 512-bit vectors of f32, for tile_inl.h. Included by files that are compiled for them only, and in
// an unnamed namespace for the same reason as tile_inl.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace imagined::engine {
namespace {

struct Avx512 {
  using Float = __m512;
  using Operand = __m512;
  static constexpr int kLanes = 16;
  static constexpr int kRows = 14;  // 28 sums, 2 columns, 1 row: 31 of 32 registers
  static constexpr int kStepBytes = 4;

  static Float zero() { return _mm512_setzero_ps(); }
  static Float set(float value) { return _mm512_set1_ps(value); }
  static Float load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Float value) { _mm512_storeu_ps(p, value); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  static Operand load_operand(const char* p) { return _mm512_loadu_ps(p); }
  static Operand broadcast(const char* p) {
    float value;
    __builtin_memcpy(&value, p, sizeof(value));
    return _mm512_set1_ps(value);
  }
  static Float multiply_add(Float c, Operand a, Operand b) { return _mm512_fmadd_ps(a, b, c); }
  static Float widen(const std::uint16_t* p) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  static void narrow(Float value, std::uint16_t* p) {
    const __m512i bits = _mm512_castps_si512(value);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_srli_epi32(
        _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
    const __m512i quiet = _mm512_or_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(0x40));
    const __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtepi32_epi16(_mm512_mask_blend_epi32(nan, rounded, quiet)));
  }
};

}  // namespace
}  // namespace imagined::engine
