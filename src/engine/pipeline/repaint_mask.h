// From a picture that says what to make anew to one number per token.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/backend/context.h"
#include "engine/pipeline/picture_size.h"
#include "image/picture.h"

namespace imagined::engine {

/// 1 where a token is made anew, 0 where it stays; [token_rows * token_cols]. White is made anew;
/// of a picture with alpha, what is transparent (OpenAI's masks). The mask is brought to the size
/// of what is shown, carried on to the border, made black and white at one half, and a token is the
/// mean of its four middle pixels (flux.md 6.3; diffusers' image processor for masks); of a model
/// whose tokens are larger than 32 pixels 1 where any is white, since a whole mask may lie in one.
std::vector<float> repaint_mask(const Context& context, image::PictureView mask,
                                const PicturePlan& plan, std::int64_t pixels_per_token);

}  // namespace imagined::engine
