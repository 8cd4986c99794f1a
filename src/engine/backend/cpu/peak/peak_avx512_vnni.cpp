#include <immintrin.h>

#include "engine/backend/cpu/peak/loop_inl.h"

namespace imagined::engine {
namespace {

struct Isa {
  using Vector = __m512i;
  static constexpr int kSums = 24;
  static constexpr int kOperations = 128;  // per instruction
  static Vector zero() { return _mm512_setzero_si512(); }
  static Vector multiply_add(Vector c, Vector a, Vector b) { return _mm512_dpbusd_epi32(c, a, b); }
  /// Keeps the compiler from knowing the value, so that it removes nothing.
  static void hide(Vector& v) { __asm__ volatile("" : "+v"(v)); }
};

}  // namespace

double peak_int8_avx512_vnni(std::int64_t rounds) { return peak_loop<Isa>(rounds); }

}  // namespace imagined::engine
