#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/tensor/dtype.h"

// The steps of convert.h over `count` neighbouring elements, on one thread.
namespace imagined::engine {

/// `from` may be unaligned.
void convert_cpu(const std::byte* from, DType from_dtype, std::size_t count, std::byte* to,
                 DType to_dtype);
void add_scaled_cpu(const float* from, float factor, std::size_t count, float* to);
void affine_cpu(const float* from, const float* scale, const float* shift, std::size_t count,
                float* to);
void pixels_to_signal_cpu(const std::uint8_t* from, std::size_t count, float* to);
void signal_to_pixels_cpu(const float* from, std::size_t count, std::uint8_t* to);
bool all_finite_cpu(const float* from, std::size_t count);

}  // namespace imagined::engine
