// Rows of a weight as a file holds them, whatever the type: what products read their weights from.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/tensor/dtype.h"
#include "engine/tensor/matrix.h"
#include "engine/tensor/row_change.h"
#include "engine/tensor/stored_scales.h"
#include "engine/tensor/stored_type.h"

namespace imagined::engine {

/// The stored type of a number that operations know: f32, bf16 or f16; null for others.
const StoredType* stored_type_of(DType dtype);

/// What whoever reads a tensor piece by piece has found; kept by the owner of its bytes.
struct TensorHealth {
  std::atomic<bool> finite = true;  // false once a NaN or an infinity was read
};

/// Rows of a tensor, dense and as stored: [rows, cols]. Does not own the bytes.
class StoredRows {
 public:
  StoredRows() = default;
  /// rows * cols numbers from the first byte on, not necessarily aligned; the first block is whole.
  /// More than there are is our bug: CHECK fails.
  StoredRows(std::span<const std::byte> bytes, const StoredType& type, std::int64_t rows,
             std::int64_t cols);
  /// A matrix in memory, without gaps between its rows.
  explicit StoredRows(const ConstMatrixView& matrix);

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  const StoredType& type() const { return *type_; }
  /// Whether these are numbers that operations read as they are: f32, bf16 or f16, without factors
  /// and unchanged.
  bool is_matrix() const;
  /// The bytes that hold the rows; where blocks do not end with a row, a few neighbours too.
  std::span<const std::byte> bytes() const;
  StoredRows row_range(std::int64_t first, std::int64_t count) const;
  /// The elements first, first + 1, ... as rows of another shape.
  StoredRows reshaped(std::int64_t first, std::int64_t rows, std::int64_t cols) const;
  /// The same rows with the factors that belong to the whole tensor, of which these are all rows.
  /// `scales` must live as long as the bytes.
  StoredRows scaled(const StoredScales& scales) const;
  /// The same rows, changed by what adapters say of them: `change` speaks of exactly these rows and
  /// must live as long as the bytes.
  StoredRows changed(const RowChange& change) const;
  /// The same rows, whose readers note in `health` what they find.
  StoredRows watched(TensorHealth& health) const;
  /// Notes that a number of these rows is NaN or infinite.
  void report_not_finite() const;
  /// The rows without any copy, where they are a matrix. May be unaligned.
  ConstMatrixView matrix() const;
  /// The numbers first, first + 1, ... in the order of the rows, to out [count].
  void decode(std::int64_t first, std::int64_t count, float* out) const;

 private:
  const std::byte* data_ = nullptr;  // of the block where the rows begin
  std::int64_t skipped_ = 0;         // numbers of that block before the rows
  std::int64_t first_ = 0;           // of the rows among the numbers of the whole tensor
  const StoredType* type_ = nullptr;
  const StoredScales* scales_ = nullptr;
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
  const RowChange* change_ = nullptr;
  std::int64_t change_first_ = 0;  // of the rows among the numbers that it speaks of
  TensorHealth* health_ = nullptr;
};

/// The rows as numbers.
///
///   out[r][c] = the stored number (decode_blocks), times its factors (StoredScales), changed
///   (RowChange); then rounded to nearest, ties to even, where out is bf16
///
/// rows  [rows, cols] of any type.
/// out   [rows, cols] f32 or bf16.
/// Another shape or dtype of `out` is our bug: CHECK fails.
void decode_rows(const StoredRows& rows, MatrixView out);

/// Whether none of the numbers, as `decode_rows` gives them in f32, is NaN or infinite.
bool all_finite(const StoredRows& rows);

/// Whether none of the numbers in `bytes` is NaN or infinite.
/// bytes  whole elements of f32, bf16 or f16, not necessarily aligned.
bool all_finite(std::span<const std::byte> bytes, DType dtype);

}  // namespace imagined::engine
