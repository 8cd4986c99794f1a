// Products of whole numbers with 512-bit vectors and VPDPBUSD.
#include "engine/backend/cpu/tile/isa_avx512_inl.h"
#include "engine/backend/cpu/tile/tile_int8_inl.h"

namespace imagined::engine {
namespace {

struct Avx512Vnni : Avx512 {
  using Int = __m512i;
  using Operand = __m512i;
  static constexpr int kZeroPoint = 128;
  static constexpr int kLargest = 127;

  static Int load_int(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  static Float to_float(Int sum) { return _mm512_cvtepi32_ps(sum); }
  static Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Operand load_operand(const char* p) { return _mm512_loadu_si512(p); }
  static Operand broadcast(const char* p) {
    std::int32_t four;
    __builtin_memcpy(&four, p, sizeof(four));
    return _mm512_set1_epi32(four);
  }
  static Int multiply_add(Int c, Operand a, Operand b) { return _mm512_dpbusd_epi32(c, a, b); }
};

}  // namespace

constexpr TileKernel kTileAvx512Vnni = make_int8_kernel<Avx512Vnni>("avx512_vnni", kTileAvx512);

}  // namespace imagined::engine
