// One step along the flow from noise to picture, and true guidance before it.
#pragma once

#include "engine/backend/context.h"

namespace imagined::engine {

/// latents += (sigma_next - sigma) * velocity; both [tokens, channels] f32. No noise is added.
/// Source: flux.md 4.4.
void euler_step(const Context& context, ConstMatrixView velocity, float sigma, float sigma_next,
                MatrixView latents);

/// without[r][c] += guidance * (with[r][c] - without[r][c]): classifier-free guidance. `with` is
/// the velocity under the prompt, `without` the one under the empty prompt, which becomes the
/// result; f32. Source: flux.md 4.5.
void guide(const Context& context, ConstMatrixView with, float guidance, MatrixView without);

}  // namespace imagined::engine
