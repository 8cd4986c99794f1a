#pragma once

#include "engine/families/model_folder.h"

namespace imagined::engine {

/// Fills in what a model's files do not say because all models of its family have it in common,
/// once family, `distilled`, `cached_references` and the transformer's configuration are known:
/// what guidance does, how noise is drawn, how the shift follows the picture's size, how many
/// references and prompt tokens are taken, and the published steps and guidance.
void apply_family_defaults(ModelFolder& model);

}  // namespace imagined::engine
