// bf16 products with AMX, in the blocks of amx_inl.h. A step is a pair; what is left of a segment
// is added by the vectors' tiles. A panel lies in memory as for avx512_bf16.
//
// TDPBF16PS sums the even and the odd elements of its sixteen pairs apart, each product added with
// one rounding, adds the two and then the sum so far; subnormals count as zero. A row's additions
// do not depend on the rows beside it. Source: Intel, Software Developer's Manual, volume 2.
#include "engine/backend/cpu/tile/amx_inl.h"
#include "engine/backend/cpu/tile/isa_avx512_bf16_inl.h"
#include "engine/backend/cpu/tile/tile_inl.h"

namespace imagined::engine {
namespace {

static_assert(kStepBytes == Avx512Bf16::kStepBytes);

struct Bf16Product {
  static void upper_left() { _tile_dpbf16ps(0, 4, 6); }
  static void upper_right() { _tile_dpbf16ps(1, 4, 7); }
  static void lower_left() { _tile_dpbf16ps(2, 5, 6); }
  static void lower_right() { _tile_dpbf16ps(3, 5, 7); }
};

/// The steps of every segment that fill no register, by the vectors' tiles.
template <int Rows, int Vectors>
void add_rest(const TileArgs& args, std::int64_t done) {
  constexpr std::int64_t kStepRow = Vectors * kRowBytes;
  for (std::int64_t segment = 0; segment < args.segments; ++segment) {
    const char* const a =
        static_cast<const char*>(args.a) + segment * args.a_segment_bytes + done * kStepBytes;
    const char* const b =
        static_cast<const char*>(args.b) + (segment * args.steps + done) * kStepRow;
    for (int row = 0; row < Rows; row += Avx512Bf16::kRows) {
      const int rows = Rows - row < Avx512Bf16::kRows ? Rows - row : Avx512Bf16::kRows;
      kTileAvx512Bf16.tiles[Vectors][rows]({.a = a + row * args.a_row_bytes,
                                            .a_row_bytes = args.a_row_bytes,
                                            .b = b,
                                            .steps = args.steps - done,
                                            .c = args.c + row * args.c_row,
                                            .c_row = args.c_row,
                                            .accumulates = true});
    }
  }
}

template <int Rows, int Vectors>
void block(const TileArgs& args) {
  constexpr bool kTall = Rows > kHalf;
  constexpr bool kWide = Vectors == 2;
  take_shape<Rows>();
  load_sums<kTall, kWide>(args);
  const std::int64_t blocks = args.steps / kSteps;
  for (std::int64_t segment = 0; segment < args.segments; ++segment) {
    add_products<Bf16Product, kTall, kWide>(
        static_cast<const char*>(args.a) + segment * args.a_segment_bytes, args.a_row_bytes,
        static_cast<const char*>(args.b) + segment * args.steps * Vectors * kRowBytes, blocks);
  }
  store_sums<kTall, kWide>(args);
  if (blocks * kSteps < args.steps) add_rest<Rows, Vectors>(args, blocks * kSteps);
}

constexpr TileKernel make_amx_kernel() {
  TileKernel kernel{};
  kernel.name = "amx_bf16";
  kernel.rows = kRowsMax;
  kernel.lanes = Avx512Bf16::kLanes;
  kernel.bf16 = true;
  kernel.whole_tiles = true;
  list_blocks(kernel);
  kernel.finish = finish<Avx512Bf16>;
  kernel.narrow = narrow<Avx512Bf16>;
  kernel.widen = widen<Avx512Bf16>;
  kernel.release = release;
  return kernel;
}

}  // namespace

constexpr TileKernel kTileAmxBf16 = make_amx_kernel();

}  // namespace imagined::engine
