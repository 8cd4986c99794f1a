// Products of whole numbers with AMX, in the blocks of amx_inl.h. A step is four numbers, and a
// panel has whole registers of steps.
#include "engine/backend/cpu/tile/amx_inl.h"
#include "engine/backend/cpu/tile/isa_avx512_inl.h"
#include "engine/backend/cpu/tile/tile_inl.h"

namespace imagined::engine {
namespace {

struct Int8Product {
  static void upper_left() { _tile_dpbssd(0, 4, 6); }
  static void upper_right() { _tile_dpbssd(1, 4, 7); }
  static void lower_left() { _tile_dpbssd(2, 5, 6); }
  static void lower_right() { _tile_dpbssd(3, 5, 7); }
};

template <int Rows, int Vectors>
void block(const TileArgs& args) {
  constexpr bool kTall = Rows > kHalf;
  constexpr bool kWide = Vectors == 2;
  constexpr int kLanes = Avx512::kLanes;
  alignas(64) std::int32_t sums[Rows * Vectors * kLanes];
  TileArgs whole{.c = reinterpret_cast<float*>(sums), .c_row = Vectors * kLanes};
  take_shape<Rows>();
  load_sums<kTall, kWide>(whole);
  add_products<Int8Product, kTall, kWide>(static_cast<const char*>(args.a), args.a_row_bytes,
                                          static_cast<const char*>(args.b), args.steps / kSteps);
  store_sums<kTall, kWide>(whole);
  for (int row = 0; row < Rows; ++row) {
    for (int v = 0; v < Vectors; ++v) {
      float* const c = args.c + row * args.c_row + v * kLanes;
      const __m512 sum = _mm512_cvtepi32_ps(_mm512_load_si512(sums + (row * Vectors + v) * kLanes));
      const __m512 scaled = _mm512_mul_ps(sum, _mm512_loadu_ps(args.b_factors + v * kLanes));
      const __m512 before = args.accumulates ? _mm512_loadu_ps(c) : _mm512_setzero_ps();
      _mm512_storeu_ps(c, _mm512_fmadd_ps(scaled, _mm512_set1_ps(args.a_factors[row]), before));
    }
  }
}

constexpr TileKernel make_amx_kernel() {
  TileKernel kernel{};
  kernel.name = "amx_int8";
  kernel.rows = kRowsMax;
  kernel.lanes = Avx512::kLanes;
  kernel.int8 = true;
  kernel.of_f32 = &kTileAvx512;
  kernel.whole_tiles = true;
  list_blocks(kernel);
  kernel.finish = finish<Avx512>;
  kernel.release = release;
  return kernel;
}

}  // namespace

constexpr TileKernel kTileAmxInt8 = make_amx_kernel();

}  // namespace imagined::engine
