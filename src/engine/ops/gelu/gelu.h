#pragma once

#include "engine/backend/context.h"

namespace imagined::engine {

/// The two approximations of x * Phi(x) that published networks were trained with.
enum class Gelu : std::uint8_t {
  tanh,   // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
  quick,  // x / (1 + exp(-1.702 x))
};

/// out = gelu(x), element by element; x and out f32 or bf16; out may be x.
/// In f32, rounded once at the end. tanh is computed as x / (1 + exp(-2 y)), which is the same.
/// Source: Hendrycks and Gimpel 2016; tanh in FLUX.1 and T5, quick in CLIP.
void gelu(const Context& context, ConstMatrixView x, Gelu kind, MatrixView out);
void gelu_reference(ConstMatrixView x, Gelu kind, MatrixView out);

/// out[r][c] = gelu(u[r][c], tanh) * u[r][width + c]
///
/// u    [rows, 2 * width]  f32 or bf16: the gate half first, as T5's wi_0 and wi_1.
/// out  [rows, width]      f32 or bf16.
void gated_gelu(const Context& context, ConstMatrixView u, MatrixView out);
void gated_gelu_reference(ConstMatrixView u, MatrixView out);

}  // namespace imagined::engine
