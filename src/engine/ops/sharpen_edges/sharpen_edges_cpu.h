#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/ops/sharpen_edges/sharpen_edges.h"

namespace imagined::engine {

/// Brightness of `count` RGB pixels, in levels.
void brightness_cpu(const std::uint8_t* pixels, std::size_t count, float* to);

/// to[i] = the sum of weights[k] * rows[k][i].
void weighted_rows_cpu(const float* const* rows, std::span<const float> weights, std::size_t count,
                       float* to);

/// Row y of the sharpened picture.
/// smooth  the blurred brightness of the row; its neighbours to the left and to the right and
///         those `stride` elements before and behind are there, at the border too.
void sharpen_row_cpu(image::PictureView in, int y, const float* smooth, std::size_t stride,
                     const EdgeSharpening& how, std::uint8_t* to);

}  // namespace imagined::engine
