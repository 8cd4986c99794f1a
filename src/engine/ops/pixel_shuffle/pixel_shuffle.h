// Moving blocks of pixels into channels and back.
#pragma once

#include "engine/backend/context.h"

namespace imagined::engine {

/// out[y * factor + dy][x * factor + dx][c] = in[y][x][(c * factor + dy) * factor + dx]
///
/// in   [h, w, c * factor^2] f32;  out [h * factor, w * factor, c] f32. Channel order as PyTorch's
/// `pixel_shuffle`, which is also the patch order of FLUX.2 latents (c * 4 + ph * 2 + pw).
void pixel_shuffle(const Context& context, ConstImageView in, std::int64_t factor, ImageView out);

/// The inverse.
void pixel_unshuffle(const Context& context, ConstImageView in, std::int64_t factor, ImageView out);

/// The slow twin of the first; the second is its inverse.
void pixel_shuffle_reference(ConstImageView in, std::int64_t factor, ImageView out);

}  // namespace imagined::engine
