// The block encodings of GGUF: runs of 32 or 256 weights that share scales.
// Source: ggml, src/ggml-common.h and src/ggml-quants.c.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace imagined::engine {

/// The longest block of any encoding, in weights.
inline constexpr std::int64_t kMaxBlockElements = 256;

/// One encoding. A tensor's `blocks` points into the table that block_formats gives.
struct BlockFormat {
  std::string_view name;        // as ggml spells it: "Q4_K"
  std::uint32_t ggml_type = 0;  // the number that stands for it in a file
  std::int64_t elements = 0;    // weights per block
  std::int64_t size_bytes = 0;  // per block
  /// One block, `size_bytes` bytes that need not be aligned, to `elements` numbers.
  void (*decode)(const std::uint8_t* block, float* out) = nullptr;
};

/// All encodings that are decoded here, by their numbers.
std::span<const BlockFormat> block_formats();

/// Null for a type that is no block encoding, or one that is not decoded here.
const BlockFormat* find_block_format(std::uint32_t ggml_type);

/// Decodes consecutive blocks.
///
///   out[e] = scale * q[e] (+ offset), with q, scale and offset as the encoding packs them
///
/// bytes  any number of whole blocks; need not be aligned.
/// out    [blocks * format.elements] f32.
/// In f32, the products in ggml's order; an infinite or NaN scale in the file gives such values.
/// A length that is no multiple of the block is our bug: CHECK fails.
/// Source: ggml, `dequantize_row_*` in src/ggml-quants.c.
void dequantise(const BlockFormat& format, std::span<const std::byte> bytes, float* out);

}  // namespace imagined::engine
