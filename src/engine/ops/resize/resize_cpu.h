#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/ops/resize/lanczos_weights.h"

namespace imagined::engine {

/// One row of the horizontal pass: from [in_width] pixels of 4 bytes to [places] pixels of
/// `channels` (3 or 4) bytes. One byte after the result may be overwritten.
void resample_row_cpu(const std::uint8_t* from, const LanczosWeights& weights, int channels,
                      std::uint8_t* to);

/// One row of the vertical pass: the weighted sum of window.count rows `stride` bytes apart.
void blend_rows_cpu(const std::uint8_t* from, std::size_t stride,
                    const LanczosWeights::Window& window, std::size_t row_bytes, std::uint8_t* to);

}  // namespace imagined::engine
