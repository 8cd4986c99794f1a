// The parts of a FLUX.2 model, whichever of its families it is, and whether they fit each other.
#pragma once

#include "engine/families/model_files.h"
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

/// Errors: as those of ModelFiles.
Result<Flux2Config> take_flux2_transformer(const ModelFiles& files);
Result<VaeConfig> take_flux2_vae(ModelFiles& files, const Flux2Config& transformer,
                                 ModelPlan& plan);

}  // namespace imagined::engine
