// One tensor as a file holds it, the same for every format, and where its numbers lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor/dtype.h"
#include "engine/tensor/stored_rows.h"

namespace imagined::engine {

/// Limits on what a header may list; each is far above what published models need (klein-4B: 149
/// tensors, 17 kB; the tokenizer in a GGUF of Qwen3: 6 MB).
inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // of safetensors, by its own rules
inline constexpr std::size_t kMaxTensors = 20'000;
inline constexpr std::size_t kMaxDimensions = 8;
inline constexpr std::size_t kMaxTensorNameBytes = 512;

/// How messages end that refuse a tensor for how it is stored.
inline constexpr std::string_view kReadTypes =
    "F32, BF16, F16, F8_E4M3 and F8_E5M2 are read, the Q, IQ4, MXFP4 and NVFP4 types of GGUF, and "
    "8-bit and 4-bit weights of ComfyUI, bitsandbytes, torchao, optimum-quanto and sdnq";

/// One tensor of a file. `bytes` points into the mapping: row-major, little-endian, and not
/// necessarily aligned to the element.
struct FileTensor {
  std::string name;
  DType dtype = DType::other;       // `other` where operations have no such type
  std::string dtype_name;           // as the format spells it, such as "BF16", "F8_E4M3" or "Q4_K"
  std::vector<std::int64_t> shape;  // as PyTorch: [out, in]; empty for a scalar; sizes may be 0
  std::span<const std::byte> bytes;
  const StoredType* type = nullptr;            // how the bytes hold the elements; null: not read
  std::shared_ptr<const StoredScales> scales;  // of the numbers that need factors

  std::int64_t elements() const;
  /// Whether the engine can read its elements.
  bool is_readable() const { return type != nullptr && (type->complete || scales != nullptr); }
  /// The elements first, first + 1, ... of a readable tensor, as many as rows * cols. More than it
  /// has is our bug: CHECK fails.
  StoredRows stored_rows(std::int64_t first, std::int64_t rows, std::int64_t cols) const;
};

/// "[3072, 128]", as error messages spell shapes.
std::string to_string(std::span<const std::int64_t> shape);

}  // namespace imagined::engine
