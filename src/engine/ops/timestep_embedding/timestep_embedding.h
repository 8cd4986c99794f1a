#pragma once

#include <span>

namespace imagined::engine {

/// out = [cos(a_0) .. cos(a_{h-1}), sin(a_0) .. sin(a_{h-1})],  a_i = value * 10000^(-i / h),  h =
/// out.size() / 2 Cosines first; angles in f32 as the reference computes them. `value` is 1000 *
/// sigma, or 1000 * guidance. Source: flux.md 2.2; diffusers, `Timesteps(flip_sin_to_cos=True,
/// downscale_freq_shift=0)`.
void timestep_embedding(float value, std::span<float> out);

}  // namespace imagined::engine
