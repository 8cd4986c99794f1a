// What is made anew of a picture: from a mask to one number per token, and what stays put back.
#pragma once

#include <cstdint>
#include <span>
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

/// Puts the given picture's own pixels back where whole tokens stay (`repaint` is 0): what passes
/// through an autoencoder comes back a little changed. Both pictures are RGB, [plan.height,
/// plan.width].
void put_back(image::PictureView given, std::span<const float> repaint, const PicturePlan& plan,
              std::int64_t pixels_per_token, image::Picture& made);

}  // namespace imagined::engine
