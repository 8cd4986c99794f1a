// Changing the dtype of a matrix, and the few element-wise steps that need no file of their own.
#pragma once

#include "engine/backend/context.h"

namespace imagined::engine {

/// out = in, rounded or widened; in f32, bf16 or f16 (may be unaligned), out f32 or bf16.
void convert(const Context& context, ConstMatrixView in, MatrixView out);

/// out[r][c] += factor * in[r][c]; both f32.
void add_scaled(const Context& context, ConstMatrixView in, float factor, MatrixView out);

/// out[r][c] = in[r][c] * scale[c] + shift[c]; f32, scale and shift [1, cols]; out may be
/// in.
void affine_columns(const Context& context, ConstMatrixView in, ConstMatrixView scale,
                    ConstMatrixView shift, MatrixView out);

/// 8-bit RGB [n, 3] to f32 in [-1, 1]: x / 255 * 2 - 1.
void pixels_to_signal(const Context& context, const std::uint8_t* pixels, MatrixView out);

/// f32 [n, 3] to 8-bit RGB: round(clamp(x / 2 + 0.5, 0, 1) * 255), ties to even, as diffusers. NaN
/// becomes 0.
void signal_to_pixels(const Context& context, ConstMatrixView in, std::uint8_t* pixels);

/// Whether every element is finite; f32.
bool all_finite(const Context& context, ConstMatrixView x);

// The slow twins, in double.
void convert_reference(ConstMatrixView in, MatrixView out);
void add_scaled_reference(ConstMatrixView in, float factor, MatrixView out);
void affine_columns_reference(ConstMatrixView in, ConstMatrixView scale, ConstMatrixView shift,
                              MatrixView out);
void pixels_to_signal_reference(const std::uint8_t* pixels, MatrixView out);
void signal_to_pixels_reference(ConstMatrixView in, std::uint8_t* pixels);
bool all_finite_reference(ConstMatrixView x);

}  // namespace imagined::engine
