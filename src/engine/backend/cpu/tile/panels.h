// The order in which tiles read their right-hand matrix, and how matrices are brought into it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "engine/backend/cpu/round.h"
#include "engine/backend/cpu/tile/tile.h"
#include "engine/tensor/matrix.h"
#include "engine/tensor/stored_rows.h"

namespace imagined::engine {

/// A matrix b [k, n] cut into panels of neighbouring columns. A panel holds step after step, a step
/// its columns, a column of a step one element, one pair or four (`step_elements`) of neighbouring
/// k. Missing columns of the last panel and missing elements of the last step are zero.
///
/// Whole numbers stand in blocks of `block` steps, at the most, whose columns share a factor each.
/// Behind a block's steps lie its tail: what a tile's sums start with (TileArgs::b_starts) and the
/// factors.
struct PanelLayout {
  std::int64_t n = 0;
  std::int64_t k = 0;
  int lanes = 0;          // columns of half a panel
  int step_elements = 1;  // 1, or 2 for pairs
  int element_bytes = 4;
  std::int64_t steps_unit = 1;  // a panel has so many steps, or a multiple
  std::int64_t block = 0;       // steps; 0: no blocks

  PanelLayout() = default;
  /// For `kernel`; with `stored` bf16 and a kernel of f32 the panels wait to be widened.
  PanelLayout(const TileKernel& kernel, DType stored, std::int64_t columns, std::int64_t elements)
      : n(columns),
        k(elements),
        lanes(kernel.lanes),
        step_elements(kernel.step_elements()),
        element_bytes(stored == DType::bf16 ? 2 : 4) {}
  /// Of whole numbers.
  static PanelLayout of_int8(const TileKernel& kernel, std::int64_t columns, std::int64_t elements);

  std::int64_t width() const { return 2 * lanes; }
  std::int64_t count() const { return (n + width() - 1) / width(); }
  std::int64_t steps() const { return round_up(divide_up(k, step_elements), steps_unit); }
  /// Vectors per step: the last panel is half as wide where that is enough.
  int vectors(std::int64_t panel) const { return n - panel * width() <= lanes ? 1 : 2; }
  std::int64_t columns(std::int64_t panel) const { return std::min(n - panel * width(), width()); }
  std::int64_t step_bytes(std::int64_t panel) const {
    return static_cast<std::int64_t>(vectors(panel)) * lanes * step_elements * element_bytes;
  }
  std::int64_t tail_bytes(std::int64_t panel) const {
    return block == 0 ? 0 : std::int64_t{vectors(panel)} * lanes * kTailBytes;
  }
  /// Of all steps of a panel, with the tails.
  std::int64_t panel_bytes(std::int64_t panel) const {
    const std::int64_t tails = block == 0 ? 0 : divide_up(steps(), block) * tail_bytes(panel);
    return steps() * step_bytes(panel) + tails;
  }
  /// Bytes from the start of the first panel to step `step`, which begins a block where there are
  /// blocks, of panel `panel`.
  std::int64_t offset(std::int64_t panel, std::int64_t step) const {
    const std::int64_t before = panel == 0 ? 0 : panel * panel_bytes(0);
    const std::int64_t tails = block == 0 ? 0 : step / block * tail_bytes(panel);
    return before + step * step_bytes(panel) + tails;
  }
  std::int64_t size_bytes() const {
    const std::int64_t last = count() - 1;
    return n == 0 ? 0 : offset(last, 0) + panel_bytes(last);
  }

  static constexpr std::int64_t kTailBytes = sizeof(std::int32_t) + sizeof(float);  // per column
};

/// Fills steps [first_step, first_step + steps) of one panel from rows of weights, parts [n_i, k]
/// one below the other, which are the columns of b. Reads what these steps need and nothing else;
/// what is not stored in the tiles' own type is decoded, in f32, and rounded where the tiles are of
/// bf16.
///
/// layout  made for `kernel` with the tiles' own elements.
/// out     steps * layout.step_bytes(panel), aligned to 16 bytes.
/// NaN and infinity are reported to the rows that hold them.
void pack_panel_from_weights(const TileKernel& kernel, const PanelLayout& layout,
                             std::int64_t panel, std::int64_t first_step, std::int64_t steps,
                             std::span<const StoredRows> parts, std::byte* out);

/// The same for whole numbers: one block with its tail. Each column's numbers are rounded to what
/// `quantise` says of them.
///
/// layout  PanelLayout::of_int8(kernel, ...).
/// first_step, steps  a block, or the last one, which may be shorter.
/// out     steps * layout.step_bytes(panel) + layout.tail_bytes(panel), aligned to 16 bytes.
void pack_int8_block(const TileKernel& kernel, const PanelLayout& layout, std::int64_t panel,
                     std::int64_t first_step, std::int64_t steps, std::span<const StoredRows> parts,
                     std::byte* out);

/// Fills one panel from a matrix [n, k] whose rows are the columns of b, f32 or bf16.
void pack_panel_from_rows(const PanelLayout& layout, std::int64_t panel, ConstMatrixView rows,
                          std::byte* panels);

/// Fills one panel from b itself, [k, n] f32 or bf16.
void pack_panel(const PanelLayout& layout, std::int64_t panel, ConstMatrixView b,
                std::byte* panels);

}  // namespace imagined::engine
