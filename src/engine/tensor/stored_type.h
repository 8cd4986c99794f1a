// How files keep the numbers of a tensor: the one table of all that is read.
// Source of GGUF's: ggml, src/ggml-common.h and src/ggml-quants.c.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/tensor/dtype.h"

namespace imagined::engine {

/// The longest block of any type, in numbers.
inline constexpr std::int64_t kMaxBlockElements = 256;

inline constexpr std::uint32_t kNoGgmlType = ~std::uint32_t{0};

/// A row of the table: numbers one by one, or in blocks that share scales.
struct StoredType {
  std::string_view name;                  // as its format spells it: "F8_E4M3", "Q4_K"
  std::int64_t elements = 1;              // numbers per block
  std::int64_t size_bytes = 0;            // per block
  std::uint32_t ggml_type = kNoGgmlType;  // what stands for it in a GGUF file
  /// Whether it is numbers by itself. Others are whole numbers or places in a list, and mean
  /// something only with the factors that a file keeps beside them (StoredScales).
  bool complete = true;
  DType dtype = DType::other;  // of numbers that operations read as they are
};

std::span<const StoredType> stored_types();

/// Null for a type that is not read.
const StoredType* find_stored_type(std::string_view name);
const StoredType* find_ggml_type(std::uint32_t ggml_type);

/// Decodes consecutive blocks.
///
///   out[e] = scale * q[e] (+ offset), with q, scale and offset as the type packs them
///
/// type   out of stored_types().
/// bytes  any number of whole blocks; need not be aligned.
/// out    [blocks * type.elements] f32.
/// In f32, the products in the order of the type's source; an infinite or NaN scale in the file
/// gives such values. A length that is no multiple of the block is our bug: CHECK fails.
void decode_blocks(const StoredType& type, std::span<const std::byte> bytes, float* out);

}  // namespace imagined::engine
