// The picture that a clip begins with.
#pragma once

#include "engine/backend/context.h"
#include "engine/pipeline/picture_size.h"
#include "image/picture.h"

namespace imagined::engine {

/// A given picture on the whole grid of a clip, [token_rows * side, token_cols * side] RGB: scaled
/// so that it covers what is shown of the grid, its middle cut to that, and carried on to the
/// grid's border by its outermost pixels. What is shown of one of the right size is the picture.
image::Picture lay_first_frame(const Context& context, image::PictureView picture,
                               const PicturePlan& plan, int pixels_per_token);

}  // namespace imagined::engine
