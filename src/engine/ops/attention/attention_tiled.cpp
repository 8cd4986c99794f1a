// Attention in register tiles; one implementation per instruction set.
//
// Keys and values of a few heads at a time are packed into panels for all threads. A piece of work
// is one head and some query rows; it walks over blocks of keys: scores of the block, weights with
// a running maximum, weighted values added to the row's sums (Milakov and Gimelshein 2018). Scores,
// weights and sums of a piece stay in the second-level cache.
#include <cmath>
#include <cstring>
#include <vector>

#include "engine/backend/cpu/round.h"
#include "engine/backend/cpu/tile/kernels.h"
#include "engine/backend/cpu/tile/panels.h"
#include "engine/ops/attention/attention_implementation.h"
#include "engine/ops/attention/softmax.h"

namespace imagined::engine {
namespace {

constexpr std::int64_t kTilesPerPiece = 4;  // of query rows
constexpr std::int64_t kKeysMax = 256;      // per block, for heads up to 256 wide
constexpr std::int64_t kWideHead = 256;     // wider heads take half as many keys per block
constexpr std::int64_t kPackedBytesMax = std::int64_t{32} << 20;  // keys and values, all threads

/// Every machine that runs tiles of 16 lanes has AVX-512.
const SoftmaxKernel& softmax_for(const TileKernel& kernel) {
  return kernel.lanes == 16 ? kSoftmaxAvx512 : kSoftmaxAvx2;
}

struct Plan {
  const TileKernel& kernel;
  const SoftmaxKernel& softmax;
  ConstMatrixView q, k, v;
  MatrixView out;
  const AttentionOptions& options;
  PanelLayout keys;           // d by keys, columns are keys
  PanelLayout values;         // keys by d, columns are elements of a head
  std::int64_t group;         // query heads per head of k and v
  std::int64_t rows;          // queries per piece
  std::int64_t block;         // keys per block
  std::int64_t head_bytes;    // of the packed keys and values of one head
  std::int64_t q_row_bytes;   // of the packed queries
  std::int64_t score_row;     // floats from one row of scores to the next
  std::int64_t weight_bytes;  // from one row of weights to the next
  std::int64_t sum_row;       // floats from one row of sums to the next
};

Plan make_plan(const TileKernel& kernel, const SoftmaxKernel& softmax, ConstMatrixView q,
               ConstMatrixView k, ConstMatrixView v, const AttentionOptions& options,
               MatrixView out) {
  const std::int64_t d = options.head_dim;
  std::int64_t keys = std::min(options.key_count, k.rows);
  if (options.causal) keys = std::min(keys, q.rows);
  const DType operand = kernel.bf16 ? DType::bf16 : DType::f32;
  Plan plan{.kernel = kernel,
            .softmax = softmax,
            .q = q,
            .k = k,
            .v = v,
            .out = out,
            .options = options,
            .keys = PanelLayout(kernel, operand, keys, d),
            .values = PanelLayout(kernel, operand, d, keys),
            .group = q.cols / k.cols,
            .rows = divide_up(q.rows, divide_up(q.rows, kTilesPerPiece * kernel.rows)),
            .block = d > kWideHead ? kKeysMax / 2 : kKeysMax,
            .head_bytes = 0,
            .q_row_bytes = 0,
            .score_row = 0,
            .weight_bytes = 0,
            .sum_row = 0};
  const std::int64_t element = kernel.element_bytes();
  plan.head_bytes = round_up(plan.keys.size_bytes(), 64) + round_up(plan.values.size_bytes(), 64);
  // Rows a line apart from whole lines, so that those of a tile fall into different cache sets.
  plan.q_row_bytes = round_up(plan.keys.steps() * plan.keys.step_elements * element, 64) + 64;
  plan.score_row = plan.block + 16;
  plan.weight_bytes = kernel.bf16 ? plan.block * 2 + 64 : plan.score_row * 4;
  plan.sum_row = round_up(d, plan.values.width()) + 16;
  return plan;
}

/// Where a piece keeps what it works on, in one buffer of its thread.
struct Room {
  std::byte* queries;  // [rows] of q_row_bytes
  float* scores;       // [rows, score_row]
  std::byte* weights;  // [rows] of weight_bytes; for f32 the scores themselves
  float* sums;         // [rows, sum_row]
  float* maxima;       // [rows]
  float* totals;       // [rows]

  static std::size_t bytes(const Plan& plan) {
    const std::int64_t row =
        plan.q_row_bytes + 4 * plan.score_row + plan.weight_bytes + 4 * plan.sum_row + 2 * 4;
    return static_cast<std::size_t>(plan.rows * row + 5 * 64);
  }
  Room(const Plan& plan, std::byte* memory) {
    const auto take = [&memory](std::int64_t size_bytes) {
      std::byte* const begin = memory;
      memory += round_up(size_bytes, 64);
      return begin;
    };
    queries = take(plan.rows * plan.q_row_bytes);
    scores = reinterpret_cast<float*>(take(plan.rows * plan.score_row * 4));
    weights = plan.kernel.bf16 ? take(plan.rows * plan.weight_bytes)
                               : reinterpret_cast<std::byte*>(scores);
    sums = reinterpret_cast<float*>(take(plan.rows * plan.sum_row * 4));
    maxima = reinterpret_cast<float*>(take(plan.rows * 4));
    totals = reinterpret_cast<float*>(take(plan.rows * 4));
  }
};

struct Piece {
  const Plan& plan;
  const std::byte* keys;    // panels of the head
  const std::byte* values;  //
  std::int64_t head;
  std::int64_t first_row;
  std::int64_t rows;
  Room room;
};

void copy_queries(const Piece& piece) {
  const Plan& plan = piece.plan;
  const std::int64_t d = plan.options.head_dim;
  for (std::int64_t r = 0; r < piece.rows; ++r) {
    std::byte* const to = piece.room.queries + r * plan.q_row_bytes;
    const auto* const from =
        static_cast<const std::byte*>(plan.q.data) +
        static_cast<std::size_t>((piece.first_row + r) * plan.q.stride + piece.head * d) *
            size_bytes(plan.q.dtype);
    if ((plan.q.dtype == DType::bf16) == plan.kernel.bf16) {
      std::memcpy(to, from, static_cast<std::size_t>(d * plan.kernel.element_bytes()));
    } else {
      plan.kernel.widen(reinterpret_cast<const std::uint16_t*>(from), reinterpret_cast<float*>(to),
                        d);
    }
    if (d % plan.kernel.step_elements() != 0) {
      std::memset(to + d * plan.kernel.element_bytes(), 0,
                  static_cast<std::size_t>(plan.kernel.element_bytes()));
    }
  }
}

/// Runs the tiles of all rows of the piece for one panel.
void run_tiles(const Piece& piece, TileArgs args, const std::byte* a, float* c, int vectors) {
  const TileFunction* const tiles = piece.plan.kernel.tiles[vectors];
  const TileKernel& kernel = piece.plan.kernel;
  const std::int64_t count = kernel.tile_count(piece.rows);
  for (std::int64_t t = 0, row = 0, rows = 0; t < count; ++t, row += rows) {
    rows = kernel.tile_end(piece.rows, count, t) - row;
    args.a = a + row * args.a_row_bytes;
    args.c = c + row * args.c_row;
    tiles[rows](args);
  }
}

void score_keys(const Piece& piece, std::int64_t first_key, std::int64_t keys) {
  const Plan& plan = piece.plan;
  const std::int64_t width = plan.keys.width();
  for (std::int64_t panel = first_key / width; panel * width < first_key + keys; ++panel) {
    run_tiles(piece,
              {.a_row_bytes = plan.q_row_bytes,
               .b = piece.keys + plan.keys.offset(panel, 0),
               .steps = plan.keys.steps(),
               .c_row = plan.score_row},
              piece.room.queries, piece.room.scores + (panel * width - first_key),
              plan.keys.vectors(panel));
  }
}

/// Adds the relative bias, in units of unscaled scores, to `count` scores of row `r` of the piece.
void add_bias(const Piece& piece, std::int64_t r, std::int64_t first_key, std::int64_t count) {
  const Plan& plan = piece.plan;
  const ConstMatrixView& bias = plan.options.relative_bias;
  if (bias.data == nullptr) return;
  const std::int64_t first = plan.q.rows - 1 + first_key - (piece.first_row + r);
  plan.softmax.add_scaled(piece.room.scores + r * plan.score_row,
                          bias.row<float>(piece.head) + first, count, 1.0f / plan.options.scale);
}

void weigh_keys(const Piece& piece, std::int64_t first_key, std::int64_t keys) {
  const Plan& plan = piece.plan;
  const std::int64_t padded = round_up(keys, plan.kernel.step_elements());
  for (std::int64_t r = 0; r < piece.rows; ++r) {
    float* const scores = piece.room.scores + r * plan.score_row;
    const std::int64_t visible = visible_keys(plan.options, piece.first_row + r, plan.k.rows);
    const std::int64_t count = std::clamp<std::int64_t>(visible - first_key, 0, keys);
    if (count > 0) {
      add_bias(piece, r, first_key, count);
      SoftmaxArgs args{.scores = scores,
                       .count = count,
                       .scale = plan.options.scale * 1.44269504f,  // log2(e)
                       .maximum = piece.room.maxima[r],
                       .sum = piece.room.totals[r]};
      plan.softmax.weigh(args);
      piece.room.maxima[r] = args.maximum;
      piece.room.totals[r] = args.sum;
      if (first_key > 0 && args.correction != 1.0f) {
        plan.softmax.multiply(piece.room.sums + r * plan.sum_row, plan.options.head_dim,
                              args.correction);
      }
    }
    std::fill(scores + count, scores + padded, 0.0f);
    if (plan.kernel.bf16) {
      plan.kernel.narrow(
          scores, reinterpret_cast<std::uint16_t*>(piece.room.weights + r * plan.weight_bytes),
          padded);
    }
  }
}

void add_values(const Piece& piece, std::int64_t first_key, std::int64_t keys) {
  const Plan& plan = piece.plan;
  const std::int64_t pair = plan.kernel.step_elements();
  for (std::int64_t panel = 0; panel < plan.values.count(); ++panel) {
    run_tiles(piece,
              {.a_row_bytes = plan.weight_bytes,
               .b = piece.values + plan.values.offset(panel, first_key / pair),
               .steps = divide_up(keys, pair),
               .c_row = plan.sum_row,
               .accumulates = first_key > 0},
              piece.room.weights, piece.room.sums + panel * plan.values.width(),
              plan.values.vectors(panel));
  }
}

void store_rows(const Piece& piece) {
  const Plan& plan = piece.plan;
  const std::int64_t d = plan.options.head_dim;
  for (std::int64_t r = 0; r < piece.rows; ++r) {
    float* const sums = piece.room.sums + r * plan.sum_row;
    plan.softmax.multiply(sums, d, 1.0f / piece.room.totals[r]);
    const std::int64_t row = piece.first_row + r;
    if (plan.out.dtype == DType::bf16) {
      plan.kernel.narrow(
          sums, static_cast<std::uint16_t*>(plan.out.data) + row * plan.out.stride + piece.head * d,
          d);
    } else {
      std::memcpy(plan.out.row<float>(row) + piece.head * d, sums,
                  static_cast<std::size_t>(d) * sizeof(float));
    }
  }
}

void run_piece(const Piece& piece) {
  const Plan& plan = piece.plan;
  copy_queries(piece);
  std::fill(piece.room.maxima, piece.room.maxima + piece.rows,
            -std::numeric_limits<float>::infinity());
  std::fill(piece.room.totals, piece.room.totals + piece.rows, 0.0f);
  const std::int64_t last_row = piece.first_row + piece.rows - 1;
  const std::int64_t visible = visible_keys(plan.options, last_row, plan.k.rows);
  for (std::int64_t first = 0; first < visible; first += plan.block) {
    const std::int64_t keys = std::min(plan.block, visible - first);
    score_keys(piece, first, keys);
    weigh_keys(piece, first, keys);
    add_values(piece, first, keys);
  }
  store_rows(piece);
}

void pack_heads(const Context& context, const Plan& plan, std::int64_t first_head,
                std::int64_t heads, std::byte* packed) {
  const std::int64_t d = plan.options.head_dim;
  const std::int64_t panels = plan.keys.count() + plan.values.count();
  const std::int64_t values_at = round_up(plan.keys.size_bytes(), 64);
  context.pool().parallel_for(heads * panels, 4, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t index = begin; index < end; ++index) {
      const std::int64_t head = index / panels;
      const std::int64_t panel = index % panels;
      std::byte* const to = packed + head * plan.head_bytes;
      const auto part = [&](ConstMatrixView matrix) {
        return matrix.row_range(0, plan.keys.n).col_range((first_head + head) * d, d);
      };
      if (panel < plan.keys.count()) {
        pack_panel_from_rows(plan.keys, panel, part(plan.k), to);
      } else {
        pack_panel(plan.values, panel - plan.keys.count(), part(plan.v), to + values_at);
      }
    }
  });
}

template <const TileKernel& kKernel>
void run_tiled(const Context& context, ConstMatrixView q, ConstMatrixView k, ConstMatrixView v,
               const AttentionOptions& options, MatrixView out) {
  const Plan plan = make_plan(kKernel, softmax_for(kKernel), q, k, v, options, out);
  const std::int64_t heads = k.cols / options.head_dim;
  const std::int64_t at_once =
      std::clamp<std::int64_t>(kPackedBytesMax / plan.head_bytes, 1, heads);
  std::byte* const packed =
      context.scratch().shared(static_cast<std::size_t>(at_once * plan.head_bytes));
  const std::int64_t row_pieces = divide_up(q.rows, plan.rows);
  for (std::int64_t first = 0; first < heads; first += at_once) {
    const std::int64_t count = std::min(at_once, heads - first);
    pack_heads(context, plan, first, count, packed);
    context.pool().parallel_for(
        count * plan.group * row_pieces, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
          const TileUse use(plan.kernel);
          const Room room(plan, context.scratch().local(thread, Room::bytes(plan)));
          for (std::int64_t index = begin; index < end; ++index) {
            const std::int64_t head = index / row_pieces;  // among the query heads of this round
            const std::int64_t row = index % row_pieces * plan.rows;
            const std::byte* const keys = packed + head / plan.group * plan.head_bytes;
            run_piece({.plan = plan,
                       .keys = keys,
                       .values = keys + round_up(plan.keys.size_bytes(), 64),
                       .head = first * plan.group + head,
                       .first_row = row,
                       .rows = std::min(plan.rows, q.rows - row),
                       .room = room});
          }
        });
  }
}

}  // namespace

std::span<const AttentionImplementation> attention_implementations() {
  static const std::vector<AttentionImplementation> list = for_all_tiles(
      []<const TileKernel & kKernel>() -> AttentionImplementation {
        return {.name = kKernel.name,
                .runs_on = [](const CpuFeatures& cpu,
                              DType dtype) { return runs_on(kKernel, cpu, dtype); },
                .run = run_tiled<kKernel>};
      },
      kAttentionReference);
  return list;
}

}  // namespace imagined::engine
