#include <immintrin.h>

#include "engine/backend/cpu/peak/loop_inl.h"

namespace imagined::engine {
namespace {

struct Isa {
  using Vector = __m256;
  static constexpr int kSums = 12;
  static constexpr int kOperations = 16;  // per instruction
  static Vector zero() { return _mm256_setzero_ps(); }
  static Vector multiply_add(Vector c, Vector a, Vector b) { return _mm256_fmadd_ps(a, b, c); }
  /// Keeps the compiler from knowing the value, so that it removes nothing.
  static void hide(Vector& v) { __asm__ volatile("" : "+x"(v)); }
};

}  // namespace

double peak_f32_avx2(std::int64_t rounds) { return peak_loop<Isa>(rounds); }

}  // namespace imagined::engine
