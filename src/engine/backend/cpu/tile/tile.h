// Register tiles: the innermost loops of every product, once per instruction set.
//
// Plain types only: this header is compiled with several sets of processor flags.
#pragma once

#include <cstdint>

namespace imagined::engine {

/// c[r][j] (+)= sum over segments s and steps k of a[r][s][k] * b[s][k][j]
///
/// and for whole numbers, where a is unsigned and moved up by TileKernel::zero_point:
///
/// c[r][j] (+)= a_factors[r] * b_factors[j] * (b_starts[j] + sum over k of a[r][k] * b[k][j])
///
/// A step is one element, one pair of neighbouring bf16 elements or four whole numbers. Rows of `a`
/// lie anywhere at a constant distance, so that a packed block of activations and a window of a
/// picture are both read in place. The additions of one element of c run over s, then k, whatever
/// the tile's height.
struct TileArgs {
  const void* a = nullptr;
  std::int64_t a_row_bytes = 0;
  std::int64_t a_segment_bytes = 0;
  const void* b = nullptr;  // segment after segment, step after step, one row of the panel each
  std::int64_t segments = 1;
  std::int64_t steps = 0;  // per segment
  float* c = nullptr;
  std::int64_t c_row = 0;    // floats from one row to the next
  bool accumulates = false;  // whether c already holds a part of the sum
  // Of whole numbers only, which know no segments.
  const float* a_factors = nullptr;        // one a row
  const float* b_factors = nullptr;        // one a column
  const std::int32_t* b_starts = nullptr;  // one a column
};
using TileFunction = void (*)(const TileArgs& args);

/// out[r][j] = (residual[r][j] +) gate[j] * (c[r][j] + bias[j])
struct FinishArgs {
  const float* c = nullptr;
  std::int64_t c_row = 0;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  const float* bias = nullptr;      // [columns] or null
  const float* gate = nullptr;      // [columns] or null
  const float* residual = nullptr;  // or null; may be `out`
  std::int64_t residual_row = 0;    // elements
  void* out = nullptr;
  std::int64_t out_row = 0;  // elements
  bool out_bf16 = false;
};

inline constexpr int kTileRowsMax = 32;

/// One instruction set's tiles. A panel of `b` is `2 * lanes` columns wide; the last one of a
/// matrix is only `lanes` wide where that is enough.
struct TileKernel {
  const char* name = nullptr;
  int rows = 0;       // the tallest tile
  int lanes = 0;      // columns per vector
  bool bf16 = false;  // a and b are pairs of bf16; else f32
  /// Or, instead, four whole numbers: a in [-127, 127] + zero_point, b in [-b_largest, b_largest].
  bool int8 = false;
  int zero_point = 0;
  int b_largest = 127;
  /// Of int8: the tiles of f32 with as many lanes, for what a product adds to whole numbers.
  const TileKernel* of_f32 = nullptr;
  /// Tiles are as tall as can be but for the last, because a change of height costs much; else of
  /// nearly the same height, because a last one of a row or two would run at a fraction of the
  /// rate.
  bool whole_tiles = false;
  /// Tiles by number of vectors (1 or 2) and of rows.
  TileFunction tiles[3][kTileRowsMax + 1] = {};
  void (*finish)(const FinishArgs& args) = nullptr;
  /// Rounds to nearest, ties to even.
  void (*narrow)(const float* in, std::uint16_t* out, std::int64_t count) = nullptr;
  void (*widen)(const std::uint16_t* in, float* out, std::int64_t count) = nullptr;

  /// Called on a thread after its last tile of a piece of work, where not null: gives registers
  /// back that the system would otherwise save at every change of threads.
  void (*release)() = nullptr;

  int step_elements() const { return int8 ? 4 : bf16 ? 2 : 1; }
  int element_bytes() const { return int8 ? 1 : bf16 ? 2 : 4; }
  /// In how many tiles `all` rows are computed, and where one of these `count` ends.
  std::int64_t tile_count(std::int64_t all) const { return (all + rows - 1) / rows; }
  std::int64_t tile_end(std::int64_t all, std::int64_t count, std::int64_t tile) const {
    if (!whole_tiles) return all * (tile + 1) / count;
    return (tile + 1) * rows < all ? (tile + 1) * rows : all;
  }
};

extern const TileKernel kTileAvx2;
extern const TileKernel kTileAvx512;
extern const TileKernel kTileAvx512Bf16;
extern const TileKernel kTileAmxBf16;
extern const TileKernel kTileAvx2Int8;
extern const TileKernel kTileAvxVnni;
extern const TileKernel kTileAvx512Vnni;
extern const TileKernel kTileAmxInt8;

}  // namespace imagined::engine
