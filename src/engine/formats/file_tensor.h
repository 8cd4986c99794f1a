// One tensor as a file holds it, the same for every format, and how its bytes become numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/formats/gguf_blocks.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/matrix.h"

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
  /// Whether decode_rows can read it.
  bool is_readable() const;
};

/// Rows of a tensor, dense and as stored: [rows, cols]. Does not own the bytes.
class StoredRows {
 public:
  StoredRows() = default;
  /// The elements first, first + 1, ... of a readable tensor, as many as rows * cols. More than it
  /// has is our bug: CHECK fails.
  StoredRows(const FileTensor& tensor, std::int64_t first, std::int64_t rows, std::int64_t cols);

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  /// Null where the elements lie one by one.
  const BlockFormat* blocks() const { return blocks_; }
  /// The bytes that hold the rows; where blocks do not end with a row, a few neighbours too.
  std::span<const std::byte> bytes() const;
  StoredRows row_range(std::int64_t first, std::int64_t count) const;
  /// The rows without any copy; only where they lie one by one. May be unaligned.
  ConstMatrixView matrix() const;

 private:
  friend void decode_rows(const StoredRows& rows, MatrixView out);

  const std::byte* data_ = nullptr;  // of the element or of the block where the rows begin
  std::int64_t skipped_ = 0;         // elements of that block before the rows
  DType dtype_ = DType::f32;
  const BlockFormat* blocks_ = nullptr;
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
};

/// The rows as numbers.
///
///   out[r][c] = the stored element, widened exactly or decoded (dequantise); then rounded to
///   nearest, ties to even, where out is bf16
///
/// rows  [rows, cols] of any readable type.
/// out   [rows, cols] f32 or bf16.
/// Another shape or dtype of `out` is our bug: CHECK fails.
void decode_rows(const StoredRows& rows, MatrixView out);

/// "[3072, 128]", as error messages spell shapes.
std::string to_string(std::span<const std::int64_t> shape);

}  // namespace imagined::engine
