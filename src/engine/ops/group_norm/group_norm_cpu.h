#pragma once

#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// sums[c] = sum of column c, squares[c] = sum of its squares, in double; f32 or bf16 in.
void column_sums_cpu(ConstMatrixView in, double* sums, double* squares);

/// out[r][c] = in[r][c] * scale[c] + shift[c], then x / (1 + e^-x) if asked; f32 or bf16
/// into f32 or bf16.
void affine_silu_cpu(ConstMatrixView in, const float* scale, const float* shift, bool silu,
                     MatrixView out);

}  // namespace imagined::engine
