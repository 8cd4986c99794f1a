// bf16 products with AMX: eight tile registers of 16 rows of 64 bytes.
//
// Two registers of rows of a, two of columns of b and four of sums make a block of 32 x 32: each
// register that is loaded meets two others. Sixteen steps (pairs) go through at once; what is left
// of a segment is added by the vectors' tiles. A panel lies in memory as for avx512_bf16.
//
// TDPBF16PS sums the even and the odd elements of its sixteen pairs apart, each product added with
// one rounding, adds the two and then the sum so far; subnormals count as zero. A row's additions
// do not depend on the rows beside it. Source: Intel, Software Developer's Manual, volume 2.
#include <immintrin.h>

#include "engine/backend/cpu/tile/isa_avx512_bf16_inl.h"
#include "engine/backend/cpu/tile/tile_inl.h"

namespace imagined::engine {
namespace {

constexpr int kHalf = 16;            // rows of a register
constexpr int kRowBytes = 64;        // of a register: 16 sums, or 16 pairs
constexpr int kRowsMax = 2 * kHalf;  // of a block
constexpr std::int64_t kSteps = 16;  // that one instruction multiplies
constexpr int kStepBytes = Avx512Bf16::kStepBytes;

/// What LDTILECFG reads.
struct alignas(64) Shape {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(Shape) == 64);

/// Registers: 0 to 3 sums (upper rows left and right, lower rows left and right), 4 and 5 rows of
/// a, 6 and 7 columns of b.
constexpr Shape shape_of(int rows) {
  Shape shape;
  for (int i = 0; i < 8; ++i) shape.row_bytes[i] = kRowBytes;
  const int upper = rows < kHalf ? rows : kHalf;
  const int lower = rows > kHalf ? rows - kHalf : kHalf;  // a shape needs rows, used or not
  shape.rows[0] = shape.rows[1] = shape.rows[4] = static_cast<std::uint8_t>(upper);
  shape.rows[2] = shape.rows[3] = shape.rows[5] = static_cast<std::uint8_t>(lower);
  shape.rows[6] = shape.rows[7] = kHalf;
  return shape;
}

// Loading a shape clears all registers and costs as much as a hundred steps, so it is done only
// where the height changes. 0: none.
thread_local int shaped_rows = 0;

template <int Rows>
void take_shape() {
  if (shaped_rows == Rows) return;
  static constexpr Shape kShape = shape_of(Rows);
  _tile_loadconfig(&kShape);
  shaped_rows = Rows;
}

void release() {
  if (shaped_rows == 0) return;
  _tile_release();
  shaped_rows = 0;
}

template <bool Tall, bool Wide>
void load_sums(const TileArgs& args) {
  if (!args.accumulates) {
    _tile_zero(0);
    if constexpr (Wide) _tile_zero(1);
    if constexpr (Tall) _tile_zero(2);
    if constexpr (Tall && Wide) _tile_zero(3);
    return;
  }
  const std::int64_t stride = args.c_row * 4;
  const float* const lower = args.c + kHalf * args.c_row;
  _tile_loadd(0, args.c, stride);
  if constexpr (Wide) _tile_loadd(1, args.c + kHalf, stride);
  if constexpr (Tall) _tile_loadd(2, lower, stride);
  if constexpr (Tall && Wide) _tile_loadd(3, lower + kHalf, stride);
}

template <bool Tall, bool Wide>
void store_sums(const TileArgs& args) {
  const std::int64_t stride = args.c_row * 4;
  float* const lower = args.c + kHalf * args.c_row;
  _tile_stored(0, args.c, stride);
  if constexpr (Wide) _tile_stored(1, args.c + kHalf, stride);
  if constexpr (Tall) _tile_stored(2, lower, stride);
  if constexpr (Tall && Wide) _tile_stored(3, lower + kHalf, stride);
}

/// Adds the products of `blocks` times sixteen steps.
template <bool Tall, bool Wide>
void add_products(const char* a, std::int64_t a_row_bytes, const char* b, std::int64_t blocks) {
  constexpr std::int64_t kStepRow = (Wide ? 2 : 1) * kRowBytes;
  const char* lower = a + kHalf * a_row_bytes;
  for (std::int64_t i = 0; i < blocks; ++i) {
    _tile_loadd(6, b, kStepRow);
    _tile_loadd(4, a, a_row_bytes);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (Wide) {
      _tile_loadd(7, b + kRowBytes, kStepRow);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (Tall) {
      _tile_loadd(5, lower, a_row_bytes);
      _tile_dpbf16ps(2, 5, 6);
      if constexpr (Wide) _tile_dpbf16ps(3, 5, 7);
    }
    a += kSteps * kStepBytes;
    lower += kSteps * kStepBytes;
    b += kSteps * kStepRow;
  }
}

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
    add_products<kTall, kWide>(
        static_cast<const char*>(args.a) + segment * args.a_segment_bytes, args.a_row_bytes,
        static_cast<const char*>(args.b) + segment * args.steps * Vectors * kRowBytes, blocks);
  }
  store_sums<kTall, kWide>(args);
  if (blocks * kSteps < args.steps) add_rest<Rows, Vectors>(args, blocks * kSteps);
}

template <int Rows = kRowsMax>
constexpr void list_blocks(TileKernel& kernel) {
  if constexpr (Rows > 0) {
    kernel.tiles[1][Rows] = block<Rows, 1>;
    kernel.tiles[2][Rows] = block<Rows, 2>;
    list_blocks<Rows - 1>(kernel);
  }
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
