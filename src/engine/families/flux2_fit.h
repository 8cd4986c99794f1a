// Whether the parts of a FLUX.2 model fit each other, whichever of its families it is.
#pragma once

#include "engine/families/model_plan.h"
#include "engine/models/flux2/flux2_config.h"
#include "engine/models/qwen3/qwen3_config.h"
#include "engine/models/vae/vae_config.h"

namespace imagined::engine {

/// `invalid_argument` for a tap that the encoder does not have, and for features of another width
/// than the transformer reads.
Result<> check_flux2_text(const TextConfig& text, const Flux2Config& transformer,
                          const Qwen3Config& encoder);
/// `invalid_argument` for a VAE of FLUX.1, and for other channels than the transformer has.
Result<> check_flux2_vae(const VaeConfig& vae, const Flux2Config& transformer);
/// Everything that a file of weights shows; the RoPE axes and epsilons are not among it.
bool have_same_flux2_shapes(const Flux2Config& a, const Flux2Config& b);

}  // namespace imagined::engine
