// What the attention of all FLUX transformers has in common: text and picture tokens in one
// sequence, q, k and v side by side in one matrix, q and k normalised and turned per head.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/backend/context.h"
#include "engine/ops/rope/rope.h"

namespace imagined::engine {

/// Neighbouring rows of a workspace.
struct TokenRows {
  std::int64_t first = 0;
  std::int64_t count = 0;
  MatrixView of(Tensor& tensor) const { return tensor.view().row_range(first, count); }
};

/// Appends the positions of a grid of tokens, `axes` numbers each: time, row, column, then zeros.
void append_grid_ids(std::int64_t axes, double time, std::int64_t rows, std::int64_t cols,
                     std::vector<double>& ids);

/// The RMS norms of the heads' queries and keys, [head_dim] each.
struct HeadNorms {
  Vector q, k;
};

/// Normalises q and k and turns them by their positions, in place.
///
/// qkv    [tokens, 3 D]  f32 or bf16: q, k and v side by side, each head after head.
/// table  as many rows as qkv.
void norm_and_turn(const Context& context, MatrixView qkv, const HeadNorms& norms, float epsilon,
                   const RopeRows& table);

/// Attention of the queries of some tokens to all keys and values, scaled by 1 / sqrt(head_dim).
///
/// queries  [tq, 3 D], keys [tk, 3 D]  as norm_and_turn leaves them.
/// out      [tq, D]  f32 or bf16.
void attend(const Context& context, ConstMatrixView queries, ConstMatrixView keys,
            std::int64_t head_dim, MatrixView out);

}  // namespace imagined::engine
