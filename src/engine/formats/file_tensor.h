// One tensor as a file holds it, the same for every format, and where its numbers lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/tensor/blocks.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/stored_rows.h"

namespace imagined::engine {

/// Limits on what a header may list; each is far above what published models need (klein-4B: 149
/// tensors, 17 kB; the tokenizer in a GGUF of Qwen3: 6 MB).
inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // of safetensors, by its own rules
inline constexpr std::size_t kMaxTensors = 20'000;
inline constexpr std::size_t kMaxDimensions = 8;
inline constexpr std::size_t kMaxTensorNameBytes = 512;

/// One tensor of a file. `bytes` points into the mapping: row-major, little-endian, and not
/// necessarily aligned to the element.
struct FileTensor {
  std::string name;
  DType dtype = DType::other;       // `other` where the engine has no such type, and for blocks
  std::string dtype_name;           // as the format spells it, such as "BF16", "F8_E4M3" or "Q4_K"
  std::vector<std::int64_t> shape;  // as PyTorch: [out, in]; empty for a scalar; sizes may be 0
  std::span<const std::byte> bytes;
  const BlockFormat* blocks = nullptr;  // how the bytes pack the elements; null: one by one

  std::int64_t elements() const;
  /// Whether the engine can read its elements.
  bool is_readable() const { return blocks != nullptr || is_number(dtype); }
  /// The elements first, first + 1, ... of a readable tensor, as many as rows * cols. More than it
  /// has is our bug: CHECK fails.
  StoredRows stored_rows(std::int64_t first, std::int64_t rows, std::int64_t cols) const;
};

/// "[3072, 128]", as error messages spell shapes.
std::string to_string(std::span<const std::int64_t> shape);

}  // namespace imagined::engine
