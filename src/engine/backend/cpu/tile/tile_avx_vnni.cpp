// Products of whole numbers with 256-bit vectors and VPDPBUSD: processors with AVX-VNNI.
#include "engine/backend/cpu/tile/isa_avx2_int8_inl.h"
#include "engine/backend/cpu/tile/tile_int8_inl.h"

namespace imagined::engine {
namespace {

struct AvxVnni : Avx2Ints {
  static constexpr int kRows = 6;  // 12 sums, 2 columns, 1 row: 15 of 16 registers
  static constexpr int kZeroPoint = 128;
  static constexpr int kLargest = 127;

  static Int multiply_add(Int c, Operand a, Operand b) { return _mm256_dpbusd_avx_epi32(c, a, b); }
};

}  // namespace

constexpr TileKernel kTileAvxVnni = make_int8_kernel<AvxVnni>("avx_vnni", kTileAvx2);

}  // namespace imagined::engine
