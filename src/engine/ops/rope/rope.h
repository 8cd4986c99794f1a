// Rotary position embedding, fused with the per-head RMS norm that comes before it where there is
// one.
#pragma once

#include <array>
#include <span>

#include "engine/backend/context.h"

namespace imagined::engine {

/// Some tokens' rows of a table.
struct RopeRows {
  ConstMatrixView cos;  // [tokens, head_dim / 2] f32
  ConstMatrixView sin;
};

/// cos and sin per token and pair of dimensions: computed in double, stored in f32.
struct RopeTable {
  Tensor cos;  // [tokens, head_dim / 2]
  Tensor sin;  // [tokens, head_dim / 2]

  RopeRows rows(std::int64_t first, std::int64_t count) const {
    return {cos.view().row_range(first, count), sin.view().row_range(first, count)};
  }
  operator RopeRows() const { return {cos, sin}; }  // NOLINT(google-explicit-constructor)
};

enum class RopeLayout : std::uint8_t {
  interleaved,  // pair p is elements 2p and 2p + 1 (FLUX transformers)
  halves,       // pair p is elements p and p + head_dim / 2 (Qwen3, Llama)
};

/// Angles of several position axes side by side, as FLUX uses them.
/// ids        [tokens, axes]; axis_dims sum to head_dim, each even.
/// Pair k of axis a turns by ids[t][a] * theta^(-2k / axis_dims[a]).
RopeTable make_rope_table(std::span<const double> ids, std::span<const int> axis_dims,
                          double theta);

/// x[t][h] = rotate(x[t][h] / sqrt(mean(x[t][h]^2) + epsilon) * weight)   in place, per head
///
/// x       [tokens, heads * head_dim]  f32 or bf16 (computed in f32, rounded once at the end).
/// weight  [1, head_dim] f32, shared by all heads.
/// table   as many rows as x has tokens.
/// Source: flux.md 2.5, 2.6 (interleaved) and 5.2 (halves).
void head_norm_rope(const Context& context, MatrixView x, std::int64_t head_dim,
                    ConstMatrixView weight, float epsilon, const RopeRows& table,
                    RopeLayout layout);

/// x[t][h] = rotate(x[t][h])   in place: the same without the norm, as Mistral has it.
void rope_heads(const Context& context, MatrixView x, std::int64_t head_dim, const RopeRows& table,
                RopeLayout layout);

void rope_heads_reference(MatrixView x, std::int64_t head_dim, const RopeRows& table,
                          RopeLayout layout);

void head_norm_rope_reference(MatrixView x, std::int64_t head_dim, ConstMatrixView weight,
                              float epsilon, const RopeRows& table, RopeLayout layout);

}  // namespace imagined::engine
