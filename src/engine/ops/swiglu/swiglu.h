#pragma once

#include "engine/backend/context.h"

namespace imagined::engine {

/// out[r][c] = silu(u[r][c]) * u[r][width + c],   silu(x) = x / (1 + exp(-x))
///
/// u    [rows, 2 * width]  f32 or bf16: the gate half first, as FLUX.2 and Qwen3 order them.
/// out  [rows, width]      f32 or bf16.
/// In f32, rounded once at the end.
void swiglu(const Context& context, ConstMatrixView u, MatrixView out);
void swiglu_reference(ConstMatrixView u, MatrixView out);

/// out = silu(x), element by element; out may be x. f32.
void silu(const Context& context, ConstMatrixView x, MatrixView out);

}  // namespace imagined::engine
