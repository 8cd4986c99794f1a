// 256-bit vectors of f32, for tile_inl.h. Included by files that are compiled for them only, and in
// an unnamed namespace for the same reason as tile_inl.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace imagined::engine {
namespace {

struct Avx2 {
  using Float = __m256;
  using Operand = __m256;
  static constexpr int kLanes = 8;
  static constexpr int kRows = 6;  // 12 sums, 2 columns, 1 row: 15 of 16 registers
  static constexpr int kStepBytes = 4;

  static Float zero() { return _mm256_setzero_ps(); }
  static Float set(float value) { return _mm256_set1_ps(value); }
  static Float load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Float value) { _mm256_storeu_ps(p, value); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  static Operand load_operand(const char* p) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
  }
  static Operand broadcast(const char* p) {
    float value;
    __builtin_memcpy(&value, p, sizeof(value));
    return _mm256_set1_ps(value);
  }
  static Float multiply_add(Float c, Operand a, Operand b) { return _mm256_fmadd_ps(a, b, c); }
  static Float widen(const std::uint16_t* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  static void narrow(Float value, std::uint16_t* p) {
    const __m256i bits = _mm256_castps_si256(value);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_srli_epi32(
        _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    const __m256i quiet = _mm256_or_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(0x40));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
    const __m256i words = _mm256_blendv_epi8(rounded, quiet, nan);
    // Eight words of 32 bits to eight of 16: the pack works within halves, the permute mends that.
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(words, words), 0x08);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
  }
};

}  // namespace
}  // namespace imagined::engine
