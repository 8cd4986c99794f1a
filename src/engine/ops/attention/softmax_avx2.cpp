#include <immintrin.h>

#include "engine/ops/attention/softmax_inl.h"

namespace imagined::engine {
namespace {

struct Avx2 {
  using Float = __m256;
  static constexpr int kLanes = 8;
  static constexpr float kExponentMin = -126.0f;  // the smallest normal number
  static Float set(float value) { return _mm256_set1_ps(value); }
  static Float load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Float value) { _mm256_storeu_ps(p, value); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float sub(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static Float mul(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  static Float round(Float a) {
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  /// a in [0.7, 1.5], n in [-126, 0]: adds n to the exponent.
  static Float scale_by_power(Float a, Float n) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    const __m256 scaled = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), exponent));
    return _mm256_blendv_ps(scaled, a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
  }
  static float largest_lane(Float a) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_shuffle_ps(half, half, 1)));
  }
  static float sum_of_lanes(Float a) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
  }
};

}  // namespace

constexpr SoftmaxKernel kSoftmaxAvx2 = {
    .weigh = weigh<Avx2>, .multiply = multiply<Avx2>, .add_scaled = add_scaled<Avx2>};

}  // namespace imagined::engine
