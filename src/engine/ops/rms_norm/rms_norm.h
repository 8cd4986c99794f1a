#pragma once

#include "engine/backend/context.h"

namespace imagined::engine {

/// Root-mean-square normalisation over the last axis.
///
///   out[r][c] = x[r][c] / sqrt(mean_c(x[r][c]^2) + epsilon) * weight[c]
///
/// x       [rows, dim]  f32 or bf16.
/// weight  [1, dim]     f32.
/// out     [rows, dim]  f32 or bf16; may be x where it has its type.
/// Sums in f32. Source: Zhang and Sennrich 2019, eq. 4; transformers, `Qwen3RMSNorm`.
void rms_norm(const Context& context, ConstMatrixView x, ConstMatrixView weight, float epsilon,
              MatrixView out);

/// out[r][c] = silu(y[r][c]) of that y, silu(y) = y / (1 + exp(-y)); rounded once at the end.
void rms_norm_silu(const Context& context, ConstMatrixView x, ConstMatrixView weight, float epsilon,
                   MatrixView out);

void rms_norm_reference(ConstMatrixView x, ConstMatrixView weight, float epsilon, MatrixView out);
void rms_norm_silu_reference(ConstMatrixView x, ConstMatrixView weight, float epsilon,
                             MatrixView out);

}  // namespace imagined::engine
