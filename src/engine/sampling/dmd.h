// Steps of a model that was distilled by distribution matching (DMD): to where the velocity points,
// and back to the next noise level with noise that was not there before.
#pragma once

#include <span>
#include <vector>

#include "engine/backend/context.h"

namespace imagined::engine {

/// The noise levels of the times that a network is told, and 0 behind them. Training knew
/// `train_timesteps` levels, u = 1 / train_timesteps, ..., 1 under shift * u / (1 + (shift - 1) *
/// u); that of a time is the nearest. Source: FastVideo, `pred_noise_to_pred_video`, `add_noise`.
std::vector<float> dmd_levels(std::span<const float> times, double shift, double train_timesteps);

/// latents = (1 - sigma_next) * (latents - sigma * velocity) + sigma_next * noise; all [tokens,
/// channels] f32. With sigma_next 0 nobody reads the noise.
/// Source: Yin et al. 2024, "Improved Distribution Matching Distillation"; FastVideo,
/// `DmdDenoisingStage`.
void dmd_step(const Context& context, ConstMatrixView velocity, float sigma, float sigma_next,
              ConstMatrixView noise, MatrixView latents);

}  // namespace imagined::engine
