// Given pictures on the grid of tokens that a picture is made on.
#pragma once

#include <cstdint>

#include "engine/backend/context.h"
#include "engine/pipeline/picture_size.h"
#include "image/picture.h"

namespace imagined::engine {

/// What is shown of a picture, [crop_height, crop_width] RGB, on its whole grid, [token_rows *
/// side, token_cols * side] RGB: carried on to the border by its outermost pixels.
image::Picture carry_to_border(image::PictureView shown, const PicturePlan& plan,
                               std::int64_t pixels_per_token);

/// A given picture on the whole grid: scaled so that it covers what is shown of it, its middle cut
/// to that, and carried on to the border. What is shown of one of the right size is the picture.
image::Picture lay_on_grid(const Context& context, image::PictureView picture,
                           const PicturePlan& plan, std::int64_t pixels_per_token);

}  // namespace imagined::engine
