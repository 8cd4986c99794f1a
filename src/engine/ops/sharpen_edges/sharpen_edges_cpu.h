#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/ops/sharpen_edges/sharpen_edges.h"

namespace imagined::engine {

/// Rows that kernels read or write go on for so many elements behind their end.
inline constexpr std::size_t kSharpenSlack = 64;

/// Brightness of `count` pixels of one word each (red in the lowest byte), in levels.
void brightness_cpu(const std::uint32_t* pixels, std::size_t count, float* to);

/// to[i] = the sum of weights[k] * rows[k][i].
void weighted_rows_cpu(const float* const* rows, std::span<const float> weights, std::size_t count,
                       float* to);

/// Words of pixels, and the blurred brightness in rows of `stride` whose first and last columns are
/// there once more, as is a row above and below.
struct SharpenPass {
  const std::uint32_t* pixels = nullptr;  // [height, width]
  std::int32_t width = 0;
  std::int32_t height = 0;
  const float* smooth = nullptr;  // [height + 2, stride]
  std::size_t stride = 0;
  EdgeSharpening how;
};

/// Row y of the result.
void sharpen_row_cpu(const SharpenPass& pass, std::int32_t y, std::uint32_t* to);

}  // namespace imagined::engine
