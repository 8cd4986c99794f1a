#include <immintrin.h>

#include "engine/ops/attention/softmax_inl.h"

namespace imagined::engine {
namespace {

struct Avx512 {
  using Float = __m512;
  static constexpr int kLanes = 16;
  static constexpr float kExponentMin = -160.0f;  // 2^-150 and below round to zero
  static Float set(float value) { return _mm512_set1_ps(value); }
  static Float load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Float value) { _mm512_storeu_ps(p, value); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float sub(Float a, Float b) { return _mm512_sub_ps(a, b); }
  static Float mul(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float max(Float a, Float b) { return _mm512_max_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  static Float round(Float a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static Float scale_by_power(Float a, Float n) { return _mm512_scalef_ps(a, n); }
  static float largest_lane(Float a) { return _mm512_reduce_max_ps(a); }
  static float sum_of_lanes(Float a) { return _mm512_reduce_add_ps(a); }
};

}  // namespace

constexpr SoftmaxKernel kSoftmaxAvx512 = {
    .weigh = weigh<Avx512>, .multiply = multiply<Avx512>, .add_scaled = add_scaled<Avx512>};

}  // namespace imagined::engine
