// The product in register tiles, blocked for the caches; one implementation per instruction set.
//
// Symbols: M rows of x, N rows of w, K their length. A step is one k, or a pair for bf16 tiles.
//
// x is copied (and rounded or widened) once into blocks of kStepsMax steps, so that its rows are
// close together. A piece of work is some rows by some panels of the result. Within a piece the
// slices that one block of steps needs of a few neighbouring panels, a group, stay in the
// second-level cache while all rows of the piece pass by; sums wait in a scratch block between two
// blocks of steps, which costs more than it gains below kStepsMax (shorter blocks, so that a slice
// fits the first level, lost a tenth of the rate on Zen 4). No sum is ever split between threads,
// and the order of additions does not depend on the blocks.
//
// Whole numbers: a block of steps is what shares a factor, in a row of x as in a column of a panel.
// The sums of a block are whole, and become a part of those in f32 when it ends.
//
// What stands at a weight's side is one more block of steps, of x . down and up, behind the last
// one of x itself: a tile adds it to the sums that it has just made, while they are still at hand.
//
// Slices of a weight that is read in place are packed by the piece that is about to use them, so a
// piece then has as many rows as there are. Slices of packed panels cost nothing; there a piece has
// so few rows that they stay in the cache beside one slice.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "engine/backend/cpu/quantise/quantise.h"
#include "engine/backend/cpu/round.h"
#include "engine/backend/cpu/tile/kernels.h"
#include "engine/backend/cpu/tile/panels.h"
#include "engine/ops/matmul/matmul_implementation.h"

namespace imagined::engine {
namespace {

// A 32-column panel of as many steps fits the second-level cache.
constexpr std::int64_t kStepsMax = 1536;
constexpr std::int64_t kStepsUnit = 256;  // blocks end where the longest block of a file may
constexpr std::int64_t kRowsMax = 182;    // 13 tiles of 14: a panel is fetched once for them
constexpr std::int64_t kPanelsMax = 8;    // 256 columns
constexpr std::int64_t kGroupBytesMax = std::int64_t{400} << 10;  // of slices packed at a time
constexpr std::int64_t kChunkBytesMax = std::int64_t{16} << 20;   // of x in blocks, all threads
constexpr std::int64_t kMappedChunkBytesMax = std::int64_t{32} << 20;  // rows share one packing
constexpr std::int64_t kPiecesPerThread = 4;  // so that one slow piece does not leave others idle

struct Plan {
  const TileKernel& kernel;
  const TileKernel& side_kernel;  // multiplies what stands at the weight's side
  const MatmulWeight& w;
  const MatmulEpilogue& epilogue;
  PanelLayout layout;
  PanelLayout side;         // of what stands at the weight's side
  std::int64_t steps = 0;   // of all K
  std::int64_t block = 0;   // steps per block
  std::int64_t blocks = 0;  //
  std::int64_t rows = 0;    // rows per piece
  std::int64_t panels = 0;  // panels per piece
  std::int64_t group = 1;   // panels whose slices are at hand together

  bool packs() const { return !w.layout().packed(); }
  std::int64_t slice_bytes() const { return block * layout.step_bytes(0) + layout.tail_bytes(0); }
  bool has_side() const { return w.side() != nullptr; }
};

/// Rows of x as the tiles read them: block b, row r begins at data + b * block_bytes + r *
/// row_bytes; and those of x . down.
struct BlockedRows {
  const std::byte* data;
  std::int64_t row_bytes;
  std::int64_t block_bytes;
  const float* factors;  // of whole numbers: of block b, row r at b * rows + r
  std::int64_t rows;
  const std::byte* side;
  std::int64_t side_row_bytes;
};

DType element_of(const TileKernel& kernel) { return kernel.bf16 ? DType::bf16 : DType::f32; }

PanelLayout layout_of(const TileKernel& kernel, std::int64_t n, std::int64_t k) {
  return kernel.int8 ? PanelLayout::of_int8(kernel, n, k)
                     : PanelLayout(kernel, element_of(kernel), n, k);
}

const TileKernel& side_kernel_of(const TileKernel& kernel) {
  return kernel.of_f32 == nullptr ? kernel : *kernel.of_f32;
}

Plan make_plan(const Context& context, const TileKernel& kernel, const MatmulWeight& w,
               const MatmulEpilogue& epilogue, std::int64_t m) {
  Plan plan{.kernel = kernel,
            .side_kernel = side_kernel_of(kernel),
            .w = w,
            .epilogue = epilogue,
            .layout = layout_of(kernel, w.n(), w.k())};
  if (plan.has_side()) {
    plan.side = layout_of(plan.side_kernel, w.n(), w.side()->padded_rank());
  }
  plan.steps = plan.layout.steps();
  if (kernel.int8) {
    plan.block = plan.layout.block;
    plan.blocks = std::max<std::int64_t>(1, divide_up(plan.steps, plan.block));
  } else {
    plan.blocks = std::max<std::int64_t>(1, divide_up(plan.steps, kStepsMax));
    plan.block = divide_up(plan.steps, plan.blocks);
    if (plan.blocks > 1) plan.block = round_up(plan.block, kStepsUnit);
  }
  const std::int64_t threads = context.pool().threads();
  const auto pieces = [&] {
    return divide_up(m, plan.rows) * divide_up(plan.layout.count(), plan.panels);
  };
  const std::int64_t wanted = threads == 1 ? 1 : kPiecesPerThread * threads;
  if (plan.packs()) {
    plan.rows = m;
    plan.panels =
        std::clamp<std::int64_t>(kGroupBytesMax / std::max<std::int64_t>(1, plan.slice_bytes()), 1,
                                 std::min(kPanelsMax, plan.layout.count()));
    while (plan.panels > 1 && pieces() < wanted) plan.panels = divide_up(plan.panels, 2);
    plan.group = plan.panels;
    // Rows that are shared out are packed for more than once: only so that no thread is idle.
    while (plan.rows > kernel.rows && pieces() < threads) plan.rows = divide_up(plan.rows, 2);
    return plan;
  }
  const std::int64_t rows_max = kRowsMax / kernel.rows * kernel.rows;
  plan.rows = divide_up(m, divide_up(m, rows_max));
  if (kernel.whole_tiles) plan.rows = round_up(plan.rows, kernel.rows);
  plan.panels = std::min(kPanelsMax, plan.layout.count());
  while (plan.panels > 1 && pieces() < wanted) plan.panels = divide_up(plan.panels, 2);
  while (plan.rows > kernel.rows && pieces() < wanted) plan.rows = divide_up(plan.rows, 2);
  return plan;
}

/// Elements of a row of x from `first` on.
const std::byte* elements_of(ConstMatrixView x, std::int64_t row, std::int64_t first) {
  return static_cast<const std::byte*>(x.data) +
         static_cast<std::size_t>(row * x.stride + first) * size_bytes(x.dtype);
}

/// Copies `count` elements of a row of x into what the tiles read, zeros up to a whole step.
void copy_row(const TileKernel& kernel, ConstMatrixView x, std::int64_t row, std::int64_t first,
              std::int64_t count, std::byte* out) {
  const std::byte* const in = elements_of(x, row, first);
  if ((x.dtype == DType::bf16) == kernel.bf16) {
    std::memcpy(out, in, static_cast<std::size_t>(count * kernel.element_bytes()));
  } else if (kernel.bf16) {
    kernel.narrow(reinterpret_cast<const float*>(in), reinterpret_cast<std::uint16_t*>(out), count);
  } else {
    kernel.widen(reinterpret_cast<const std::uint16_t*>(in), reinterpret_cast<float*>(out), count);
  }
  if (count % kernel.step_elements() != 0) {
    std::memset(out + count * kernel.element_bytes(), 0,
                static_cast<std::size_t>(kernel.element_bytes()));
  }
}

/// The same as whole numbers, up to a whole number of 64; returns their factor.
float quantise_row(const TileKernel& kernel, ConstMatrixView x, std::int64_t row,
                   std::int64_t first, std::int64_t count, std::byte* out) {
  const std::byte* const in = elements_of(x, row, first);
  auto* const to = reinterpret_cast<std::uint8_t*>(out);
  std::fill(to + count, to + round_up(count, 64), std::uint8_t{0});
  const Levels levels{.zero_point = kernel.zero_point};
  return x.dtype == DType::bf16
             ? quantise(reinterpret_cast<const Bf16*>(in), count, levels, to).factor
             : quantise(reinterpret_cast<const float*>(in), count, levels, to).factor;
}

BlockedRows block_rows(const Context& context, const Plan& plan, ConstMatrixView x,
                       ConstMatrixView side) {
  const std::int64_t elements = plan.block * plan.kernel.step_elements();
  // One line more than a whole number of lines: rows at a power of two would share cache sets.
  const std::int64_t row_bytes = round_up(elements * plan.kernel.element_bytes(), 64) + 64;
  const std::int64_t block_bytes = row_bytes * x.rows;
  const std::int64_t side_row_bytes =
      plan.has_side() ? plan.side.k * plan.side_kernel.element_bytes() + 64 : 0;
  const std::int64_t factor_bytes =
      plan.kernel.int8 ? plan.blocks * x.rows * std::int64_t{sizeof(float)} : 0;
  std::byte* const data = context.scratch().shared(
      static_cast<std::size_t>(block_bytes * plan.blocks + side_row_bytes * x.rows + factor_bytes));
  std::byte* const beside = data + block_bytes * plan.blocks;
  auto* const factors = reinterpret_cast<float*>(beside + side_row_bytes * x.rows);
  context.pool().parallel_for(x.rows, 8, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t r = begin; r < end; ++r) {
      for (std::int64_t b = 0; b < plan.blocks; ++b) {
        const std::int64_t first = b * elements;
        const std::int64_t count = std::min(elements, x.cols - first);
        std::byte* const row = data + b * block_bytes + r * row_bytes;
        if (plan.kernel.int8) {
          factors[b * x.rows + r] = quantise_row(plan.kernel, x, r, first, count, row);
        } else {
          copy_row(plan.kernel, x, r, first, count, row);
        }
      }
      if (!plan.has_side()) continue;
      std::byte* const row = beside + r * side_row_bytes;
      std::memset(row, 0, static_cast<std::size_t>(side_row_bytes));
      copy_row(plan.side_kernel, side, r, 0, side.cols, row);
    }
  });
  return {data, row_bytes, block_bytes, factors, x.rows, beside, side_row_bytes};
}

/// One thread's share of a product: some rows by some panels.
struct Piece {
  const Plan& plan;
  const BlockedRows& a;
  MatrixView out;
  std::int64_t first_row;
  std::int64_t rows;
  std::int64_t first_panel;
  std::int64_t panels;
  float* sums;        // [panels][rows][panel width], or one tile
  std::byte* packed;  // [group] slices, where they are packed here
};

/// The slice of panel `first + index` of a group.
const void* panel_slice(const Piece& piece, std::int64_t first, std::int64_t index,
                        std::int64_t block) {
  const Plan& plan = piece.plan;
  const std::int64_t panel = first + index;
  const std::int64_t first_step = block * plan.block;
  const MatmulWeight::Layout& weight = plan.w.layout();
  if (weight.packed()) {
    return static_cast<const std::byte*>(weight.panels.view().data) +
           plan.layout.offset(panel, first_step);
  }
  std::byte* const out = piece.packed + index * plan.slice_bytes();
  const std::int64_t steps = std::min(plan.block, plan.steps - first_step);
  const auto pack = plan.kernel.int8 ? pack_int8_block : pack_panel_from_weights;
  pack(plan.kernel, plan.layout, panel, first_step, steps, weight.parts, out);
  return out;
}

void finish_tile(const Piece& piece, std::int64_t panel, std::int64_t row, std::int64_t rows,
                 const float* sums) {
  const MatmulEpilogue& epilogue = piece.plan.epilogue;
  const std::int64_t width = piece.plan.layout.width();
  const std::int64_t column = panel * width;
  FinishArgs args{.c = sums,
                  .c_row = width,
                  .rows = rows,
                  .columns = piece.plan.layout.columns(panel),
                  .out_row = piece.out.stride,
                  .out_bf16 = piece.out.dtype == DType::bf16};
  if (epilogue.bias.data != nullptr) args.bias = epilogue.bias.row<float>(0) + column;
  if (epilogue.gate.data != nullptr) args.gate = epilogue.gate.row<float>(0) + column;
  args.out =
      static_cast<std::byte*>(piece.out.data) +
      static_cast<std::size_t>(row * piece.out.stride + column) * size_bytes(piece.out.dtype);
  if (epilogue.accumulate) {
    args.residual = static_cast<const float*>(args.out);
    args.residual_row = piece.out.stride;
  }
  piece.plan.kernel.finish(args);
}

/// Adds what stands at the weight's side to the sums of a tile.
void add_side(const Piece& piece, std::int64_t panel, std::int64_t row, std::int64_t rows,
              float* sums) {
  const Plan& plan = piece.plan;
  const std::int64_t width = plan.layout.width();
  for (std::int64_t done = 0, taken = 0; done < rows; done += taken) {
    taken = std::min<std::int64_t>(plan.side_kernel.rows, rows - done);
    plan.side_kernel.tiles[plan.side.vectors(panel)][taken](
        {.a = piece.a.side + (piece.first_row + row + done) * piece.a.side_row_bytes,
         .a_row_bytes = piece.a.side_row_bytes,
         .b = static_cast<const std::byte*>(plan.w.side()->up.view().data) +
              plan.side.offset(panel, 0),
         .steps = plan.side.steps(),
         .c = sums + done * width,
         .c_row = width,
         .accumulates = true});
  }
}

/// Whole numbers: what a tile's sums begin with and are worth.
void add_factors(const Piece& piece, std::int64_t panel, std::int64_t block, std::int64_t row,
                 TileArgs& args) {
  const PanelLayout& layout = piece.plan.layout;
  const auto* const tail =
      static_cast<const std::byte*>(args.b) + args.steps * layout.step_bytes(panel);
  args.b_starts = reinterpret_cast<const std::int32_t*>(tail);
  args.b_factors = reinterpret_cast<const float*>(tail + layout.tail_bytes(panel) / 2);
  args.a_factors = piece.a.factors + block * piece.a.rows + piece.first_row + row;
}

/// One block of steps of some neighbouring panels, for all rows of the piece.
void run_group(const Piece& piece, std::int64_t first_panel, std::int64_t panels,
               std::int64_t block) {
  const Plan& plan = piece.plan;
  const std::int64_t width = plan.layout.width();
  std::array<const void*, kPanelsMax> slices;
  for (std::int64_t i = 0; i < panels; ++i) {
    slices[static_cast<std::size_t>(i)] = panel_slice(piece, first_panel, i, block);
  }
  // With a single block no sum waits, and all tiles use the same few lines of cache.
  const bool waits = plan.blocks > 1;
  TileArgs args{.a_row_bytes = piece.a.row_bytes,
                .steps = std::min(plan.block, plan.steps - block * plan.block),
                .c_row = width,
                .accumulates = block > 0};
  const std::int64_t count = plan.kernel.tile_count(piece.rows);
  for (std::int64_t t = 0, row = 0, rows = 0; t < count; ++t, row += rows) {
    rows = plan.kernel.tile_end(piece.rows, count, t) - row;
    args.a =
        piece.a.data + block * piece.a.block_bytes + (piece.first_row + row) * piece.a.row_bytes;
    for (std::int64_t i = 0; i < panels; ++i) {
      const std::int64_t panel = first_panel + i;
      args.b = slices[static_cast<std::size_t>(i)];
      if (plan.kernel.int8) add_factors(piece, panel, block, row, args);
      args.c = piece.sums + (waits ? ((panel - piece.first_panel) * piece.rows + row) * width : 0);
      plan.kernel.tiles[plan.layout.vectors(panel)][rows](args);
      if (block + 1 < plan.blocks) continue;
      if (plan.has_side()) add_side(piece, panel, row, rows, args.c);
      finish_tile(piece, panel, piece.first_row + row, rows, args.c);
    }
  }
}

void run_chunk(const Context& context, const Plan& plan, ConstMatrixView x, ConstMatrixView side,
               MatrixView out) {
  const BlockedRows a = block_rows(context, plan, x, side);
  const std::int64_t row_pieces = divide_up(x.rows, plan.rows);
  const std::int64_t panel_pieces = divide_up(plan.layout.count(), plan.panels);
  const auto width = plan.layout.width();
  const auto sums = (plan.blocks > 1 ? plan.rows * plan.panels * width : plan.kernel.rows * width) *
                    std::int64_t{sizeof(float)};
  const std::int64_t packed = plan.packs() ? plan.group * plan.slice_bytes() : 0;
  context.pool().parallel_for(
      row_pieces * panel_pieces, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
        const TileUse use(plan.kernel);
        std::byte* const room =
            context.scratch().local(thread, static_cast<std::size_t>(sums + packed));
        for (std::int64_t index = begin; index < end; ++index) {
          // Neighbouring pieces share their panels, which the threads then find in a shared cache.
          const std::int64_t row = index % row_pieces * plan.rows;
          const std::int64_t panel = index / row_pieces * plan.panels;
          const Piece piece{.plan = plan,
                            .a = a,
                            .out = out,
                            .first_row = row,
                            .rows = std::min(plan.rows, x.rows - row),
                            .first_panel = panel,
                            .panels = std::min(plan.panels, plan.layout.count() - panel),
                            .sums = reinterpret_cast<float*>(room),
                            .packed = room + sums};
          for (std::int64_t block = 0; block < plan.blocks; ++block) {
            for (std::int64_t p = 0; p < piece.panels; p += plan.group) {
              run_group(piece, panel + p, std::min(plan.group, piece.panels - p), block);
            }
          }
        }
      });
}

Tensor pack_panels(const Context& context, const TileKernel& kernel, std::int64_t n, std::int64_t k,
                   std::span<const StoredRows> parts) {
  const PanelLayout layout = layout_of(kernel, n, k);
  Tensor panels(1, layout.size_bytes(), DType::u8);
  auto* const bytes = static_cast<std::byte*>(panels.view().data);
  const auto pack = kernel.int8 ? pack_int8_block : pack_panel_from_weights;
  const std::int64_t block = kernel.int8 ? layout.block : std::max<std::int64_t>(1, layout.steps());
  context.pool().parallel_for(layout.count(), 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t panel = begin; panel < end; ++panel) {
      for (std::int64_t first = 0; first < layout.steps(); first += block) {
        pack(kernel, layout, panel, first, std::min(block, layout.steps() - first), parts,
             bytes + layout.offset(panel, first));
      }
    }
  });
  return panels;
}

template <const TileKernel& kKernel>
Tensor pack_tiled(const Context& context, std::int64_t n, std::int64_t k,
                  std::span<const StoredRows> parts, WeightFormat) {
  return pack_panels(context, kKernel, n, k, parts);
}

template <const TileKernel& kKernel>
Tensor pack_side_tiled(const Context& context, std::int64_t n, std::int64_t k,
                       std::span<const StoredRows> parts) {
  return pack_panels(context, side_kernel_of(kKernel), n, k, parts);
}

template <const TileKernel& kKernel>
void run_tiled(const Context& context, ConstMatrixView x, ConstMatrixView side,
               const MatmulWeight& w, MatrixView out, const MatmulEpilogue& epilogue) {
  const std::int64_t row_bytes = std::max<std::int64_t>(1, w.k() * kKernel.element_bytes());
  const std::int64_t chunks =
      divide_up(x.rows * row_bytes, w.layout().packed() ? kChunkBytesMax : kMappedChunkBytesMax);
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    const std::int64_t first = x.rows * chunk / chunks;
    const std::int64_t rows = x.rows * (chunk + 1) / chunks - first;
    if (rows == 0) continue;
    const Plan plan = make_plan(context, kKernel, w, epilogue, rows);
    const ConstMatrixView beside = plan.has_side() ? side.row_range(first, rows) : side;
    run_chunk(context, plan, x.row_range(first, rows), beside, out.row_range(first, rows));
  }
}

}  // namespace

template <const TileKernel& kKernel>
MatmulImplementation implementation() {
  return {.name = kKernel.name,
          .runs_on =
              [](const CpuFeatures& cpu, WeightFormat format) {
                const bool int8 = format == WeightFormat::int8;
                if (kKernel.int8 || int8) return kKernel.int8 == int8 && runs_int8_on(kKernel, cpu);
                return runs_on(kKernel, cpu, element_type(format));
              },
          .pack = pack_tiled<kKernel>,
          .pack_side = pack_side_tiled<kKernel>,
          .run = run_tiled<kKernel>};
}

std::span<const MatmulImplementation> matmul_implementations() {
  static const std::vector<MatmulImplementation> list = [] {
    const auto make = []<const TileKernel & kKernel>() { return implementation<kKernel>(); };
    auto all = for_tiles<MatmulImplementation>(AllTileKernels(), make);
    for (const auto& of_int8 : for_tiles<MatmulImplementation>(Int8TileKernels(), make)) {
      all.push_back(of_int8);
    }
    all.push_back(kMatmulReference);
    return all;
  }();
  return list;
}

}  // namespace imagined::engine
