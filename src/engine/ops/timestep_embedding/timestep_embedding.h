#pragma once

#include <span>

#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// out[r] = [cos(a_0) .. cos(a_{h-1}), sin(a_0) .. sin(a_{h-1})],  a_i = values[r] * 10000^(-i / h)
///
/// values  [rows], each 1000 * sigma, or 1000 * guidance.
/// out     [rows, 2 h] f32; cosines first; angles in f32 as the reference computes them.
/// Source: flux.md 2.2; diffusers, `Timesteps(flip_sin_to_cos=True, downscale_freq_shift=0)`.
void timestep_embedding(std::span<const float> values, MatrixView out);

void timestep_embedding_reference(std::span<const float> values, MatrixView out);

}  // namespace imagined::engine
