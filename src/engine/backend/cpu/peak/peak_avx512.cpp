#include <immintrin.h>

#include "engine/backend/cpu/peak/loop_inl.h"

namespace imagined::engine {
namespace {

struct Isa {
  using Vector = __m512;
  static constexpr int kSums = 24;
  static constexpr int kOperations = 32;  // per instruction
  static Vector zero() { return _mm512_setzero_ps(); }
  static Vector multiply_add(Vector c, Vector a, Vector b) { return _mm512_fmadd_ps(a, b, c); }
  /// Keeps the compiler from knowing the value, so that it removes nothing.
  static void hide(Vector& v) { __asm__ volatile("" : "+v"(v)); }
};

}  // namespace

double peak_f32_avx512(std::int64_t rounds) { return peak_loop<Isa>(rounds); }

}  // namespace imagined::engine
