// What the weights of a product are kept in.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/tensor/dtype.h"

namespace imagined::engine {

enum class WeightFormat : std::uint8_t {
  f32,   // every stored number exactly, or as its block decodes it
  bf16,  // rounded to nearest, ties to even
  int8,  // rounded to the nearest of 255 multiples of a factor that some numbers of a row share
};

/// What a number of a weight is by itself; whole numbers of 8 bits are f32 with their factor.
inline DType element_type(WeightFormat format) {
  return format == WeightFormat::bf16 ? DType::bf16 : DType::f32;
}
inline std::string_view name(WeightFormat format) {
  return format == WeightFormat::int8 ? "int8" : name(element_type(format));
}

}  // namespace imagined::engine
