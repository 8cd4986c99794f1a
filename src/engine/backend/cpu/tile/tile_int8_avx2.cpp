// Products of whole numbers with 256-bit vectors alone.
//
// VPMADDUBSW multiplies unsigned by signed bytes and adds two neighbouring products in 16 bits,
// where more than 32767 would be cut off. Weights have seven bits here, so that two products are at
// most 2 * 255 * 63 = 32130 and nothing is ever cut off. Eight bits of both, with |a| and b in the
// sign of a, took two more instructions of six and two thirds more time.
#include "engine/backend/cpu/tile/isa_avx2_int8_inl.h"
#include "engine/backend/cpu/tile/tile_int8_inl.h"

namespace imagined::engine {
namespace {

struct Avx2Int8 : Avx2Ints {
  static constexpr int kRows = 4;  // 8 sums, 2 columns, 1 row, ones, products on their way
  static constexpr int kZeroPoint = 128;
  static constexpr int kLargest = 63;

  static Int multiply_add(Int c, Operand a, Operand b) {
    const __m256i pairs = _mm256_maddubs_epi16(a, b);
    return _mm256_add_epi32(c, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

}  // namespace

constexpr TileKernel kTileAvx2Int8 = make_int8_kernel<Avx2Int8>("int8_avx2", kTileAvx2);

}  // namespace imagined::engine
