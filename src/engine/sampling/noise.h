// The random start of a picture: N(0, 1) from a seed, always the same.
#pragma once

#include <cstdint>
#include <span>

#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// Values first, first + 1, ... of the normal sequence of `seed`. Each value depends on the seed
/// and its index only: the same bytes in any order, on any machine, with any compiler.
///
/// Philox4x32-10 (Salmon et al. 2011) turns the counter i / 4 and the seed into four 32-bit words;
/// Box and Muller's transform turns each pair (a, b) into r cos(t), r sin(t) with
///   r = sqrt(-2 ln((a + 1/2) / 2^32)),  t = 2 pi b / 2^32.
/// Logarithm, sine and cosine are polynomials of ours in double, from additions, products,
/// quotients and roots that IEEE 754 defines to the bit; only the result is rounded to f32.
/// |value| is at most 6.8.
void normal_values(std::uint64_t seed, std::uint64_t first, std::span<float> out);

/// What PyTorch's CPU generator draws into an f32 tensor of out.size() values after
/// manual_seed(seed), to 3e-7: for seeds that came from elsewhere.
/// Mersenne Twister on the lower 32 bits of the seed. Source: flux.md 3.3.
void torch_normal_values(std::uint64_t seed, std::span<float> out);

enum class NoiseSource : std::uint8_t { philox, torch_cpu };

/// Noise for a latent picture of rows x cols tokens, [rows * cols, channels] f32, drawn in the
/// order in which the reference draws its latents, so that both sources can be compared with a
/// `latents` tensor of diffusers; see tokens_of_planes for the order.
/// draw  how many noises of that size the seed has given before, of Philox alone.
Tensor make_noise(std::uint64_t seed, std::int64_t channels, std::int64_t rows, std::int64_t cols,
                  std::int64_t fold, std::uint64_t draw = 0,
                  NoiseSource source = NoiseSource::philox);

/// A latent picture as the tokens of a transformer.
///
/// planes   [channels / fold^2, rows * fold, cols * fold], one number after another.
/// fold     side of the square of latents that makes up a token: 1 where the latents are tokens
///          already (FLUX.2), 2 where they are folded (FLUX.1).
/// returns  [rows * cols, channels] f32; channel (c * fold + y) * fold + x of a token is latent
///          (y, x) of its square in plane c.
Tensor tokens_of_planes(std::span<const float> planes, std::int64_t channels, std::int64_t rows,
                        std::int64_t cols, std::int64_t fold);

}  // namespace imagined::engine
