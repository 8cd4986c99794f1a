// Rows of a weight as a file holds them, whatever the type: what products read their weights from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/tensor/blocks.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// Whether a StoredRows can be made of elements of this type: f32, bf16 or f16.
bool is_number(DType dtype);

/// Rows of a tensor, dense and as stored: [rows, cols]. Does not own the bytes.
class StoredRows {
 public:
  StoredRows() = default;
  /// Elements one by one, rows * cols of them from the first byte on, not necessarily aligned. More
  /// than there are, or a type that is no number, is our bug: CHECK fails.
  StoredRows(std::span<const std::byte> bytes, DType dtype, std::int64_t rows, std::int64_t cols);
  /// The same with elements in blocks; the first block is whole.
  StoredRows(std::span<const std::byte> bytes, const BlockFormat& blocks, std::int64_t rows,
             std::int64_t cols);
  /// A matrix in memory, without gaps between its rows.
  explicit StoredRows(const ConstMatrixView& matrix);

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  /// Null where the elements lie one by one.
  const BlockFormat* blocks() const { return blocks_; }
  /// The bytes that hold the rows; where blocks do not end with a row, a few neighbours too.
  std::span<const std::byte> bytes() const;
  StoredRows row_range(std::int64_t first, std::int64_t count) const;
  /// The elements first, first + 1, ... as rows of another shape.
  StoredRows reshaped(std::int64_t first, std::int64_t rows, std::int64_t cols) const;
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
/// rows  [rows, cols] of any type.
/// out   [rows, cols] f32 or bf16.
/// Another shape or dtype of `out` is our bug: CHECK fails.
void decode_rows(const StoredRows& rows, MatrixView out);

/// Whether none of the numbers in `bytes` is NaN or infinite.
/// bytes  whole elements of f32, bf16 or f16, not necessarily aligned.
bool all_finite(std::span<const std::byte> bytes, DType dtype);

}  // namespace imagined::engine
