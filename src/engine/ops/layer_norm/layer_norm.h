#pragma once

#include "engine/backend/context.h"

namespace imagined::engine {

/// Layer normalisation over the last axis followed by the adaptive shift and scale of a FLUX block.
///
///   out[r][c] = (1 + scale[c]) * (x[r][c] - mean_r) / sqrt(var_r + epsilon) + shift[c]
///
/// x            [rows, dim]  f32.
/// shift, scale [1, dim]     f32, or both empty for plain normalisation.
/// out          [rows, dim]  f32 or bf16; may be x when f32.
/// Biased variance; mean and variance in f32 by two passes over the row.
/// Source: black-forest-labs/flux2, `modulate` and `LayerNorm(elementwise_affine=False)`.
void layer_norm_modulate(const Context& context, ConstMatrixView x, ConstMatrixView shift,
                         ConstMatrixView scale, float epsilon, MatrixView out);

/// Layer normalisation with learned weight and bias.
///
///   out[r][c] = weight[c] * (x[r][c] - mean_r) / sqrt(var_r + epsilon) + bias[c]
///
/// As layer_norm_modulate otherwise. Source: Ba et al. 2016; transformers, `CLIPEncoderLayer`.
void layer_norm(const Context& context, ConstMatrixView x, ConstMatrixView weight,
                ConstMatrixView bias, float epsilon, MatrixView out);

void layer_norm_reference(ConstMatrixView x, ConstMatrixView weight, ConstMatrixView bias,
                          float epsilon, MatrixView out);

void layer_norm_modulate_reference(ConstMatrixView x, ConstMatrixView shift, ConstMatrixView scale,
                                   float epsilon, MatrixView out);

}  // namespace imagined::engine
