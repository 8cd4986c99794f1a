// Making a part of a picture anew while the rest stays as it is.
#pragma once

#include <span>

#include "engine/backend/context.h"

namespace imagined::engine {

/// latents = (1 - m) * (sigma * noise + (1 - sigma) * picture) + m * latents, m = repaint of a
/// token.
///
/// Done before the first step with m = 0 and after each step with its mask, it keeps what is not
/// repainted on the way that leads from the run's own noise back to the picture; at sigma 0 it is
/// the picture. All [tokens, channels] f32, repaint 0 to 1. Source: flux.md 6.3.
void keep_picture(const Context& context, ConstMatrixView noise, ConstMatrixView picture,
                  float sigma, std::span<const float> repaint, MatrixView latents);

}  // namespace imagined::engine
