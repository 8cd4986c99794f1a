#include "engine/tensor/stored_rows.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"

namespace imagined::engine {
namespace {

/// True when one of the values of type Bits has an exponent of all ones.
template <class Bits>
bool has_special(std::span<const std::byte> bytes, Bits exponent) {
  // No early exit: a plain reduction is what the compiler turns into vector code.
  unsigned found = 0;
  for (std::size_t i = 0; i + sizeof(Bits) <= bytes.size(); i += sizeof(Bits)) {
    Bits value;
    std::memcpy(&value, bytes.data() + i, sizeof(Bits));
    found |= static_cast<unsigned>((value & exponent) == exponent);
  }
  return found != 0;
}

}  // namespace

const StoredType* stored_type_of(DType dtype) {
  if (dtype == DType::other) return nullptr;
  const auto types = stored_types();
  const auto found = std::ranges::find(types, dtype, &StoredType::dtype);
  return found == types.end() ? nullptr : &*found;
}

StoredRows::StoredRows(std::span<const std::byte> bytes, const StoredType& type, std::int64_t rows,
                       std::int64_t cols)
    : data_(bytes.data()), type_(&type), rows_(rows), cols_(cols) {
  CHECK(this->bytes().size() <= bytes.size(), "[{}, {}] in {} bytes", rows, cols, bytes.size());
}

StoredRows::StoredRows(const ConstMatrixView& matrix)
    : data_(static_cast<const std::byte*>(matrix.data)),
      type_(stored_type_of(matrix.dtype)),
      rows_(matrix.rows),
      cols_(matrix.cols) {
  CHECK(type_ != nullptr && matrix.stride == cols_, "rows of {} with {} columns, {} apart",
        name(matrix.dtype), cols_, matrix.stride);
}

std::span<const std::byte> StoredRows::bytes() const {
  const std::int64_t elements = rows_ * cols_;
  if (elements == 0) return {data_, 0};
  const std::int64_t count = (skipped_ + elements + type_->elements - 1) / type_->elements;
  return {data_, static_cast<std::size_t>(count * type_->size_bytes)};
}

StoredRows StoredRows::row_range(std::int64_t first, std::int64_t count) const {
  CHECK(first >= 0 && count >= 0 && first <= rows_ && count <= rows_ - first, "rows {}+{} of {}",
        first, count, rows_);
  StoredRows part = *this;
  part.rows_ = count;
  const std::int64_t element = skipped_ + first * cols_;
  part.data_ += element / type_->elements * type_->size_bytes;
  part.skipped_ = element % type_->elements;
  part.first_ += first * cols_;
  part.change_first_ += first * cols_;
  return part;
}

StoredRows StoredRows::reshaped(std::int64_t first, std::int64_t rows, std::int64_t cols) const {
  StoredRows elements = *this;
  elements.rows_ = rows_ * cols_;
  elements.cols_ = 1;
  StoredRows part = elements.row_range(first, rows * cols);
  part.rows_ = rows;
  part.cols_ = cols;
  return part;
}

StoredRows StoredRows::scaled(const StoredScales& scales) const {
  CHECK(first_ == 0, "factors of a tensor for a part of its rows");
  StoredRows rows = *this;
  rows.scales_ = &scales;
  return rows;
}

StoredRows StoredRows::changed(const RowChange& change) const {
  CHECK(change.cols == cols_, "a change of rows of {} for rows of {}", change.cols, cols_);
  StoredRows rows = *this;
  rows.change_ = &change;
  rows.change_first_ = 0;
  return rows;
}

StoredRows StoredRows::watched(TensorHealth& health) const {
  StoredRows rows = *this;
  rows.health_ = &health;
  return rows;
}

void StoredRows::report_not_finite() const {
  if (health_ != nullptr) health_->finite.store(false, std::memory_order_relaxed);
}

bool StoredRows::is_matrix() const {
  return scales_ == nullptr && change_ == nullptr && type_->dtype != DType::other;
}

ConstMatrixView StoredRows::matrix() const {
  CHECK(is_matrix(), "{} is no matrix", type_->name);
  return {data_, type_->dtype, rows_, cols_};
}

void StoredRows::decode(std::int64_t first, std::int64_t count, float* out) const {
  CHECK(first >= 0 && count >= 0 && count <= rows_ * cols_ - first, "numbers {}+{} of {}", first,
        count, rows_ * cols_);
  const std::int64_t n = type_->elements;
  const auto block_bytes = static_cast<std::size_t>(type_->size_bytes);
  std::array<float, kMaxBlockElements> block;
  float* to = out;
  for (std::int64_t at = skipped_ + first, left = count; left > 0;) {
    const std::byte* const from = data_ + static_cast<std::size_t>(at / n) * block_bytes;
    std::int64_t taken = left / n * n;
    if (at % n == 0 && taken > 0) {
      decode_blocks(*type_, {from, static_cast<std::size_t>(taken / n) * block_bytes}, to);
    } else {
      taken = std::min(n - at % n, left);
      decode_blocks(*type_, {from, block_bytes}, block.data());
      std::copy_n(block.data() + at % n, taken, to);
    }
    to += taken;
    at += taken;
    left -= taken;
  }
  if (scales_ != nullptr) apply_scales(*scales_, first_ + first, count, out);
  if (change_ != nullptr) apply_change(*change_, change_first_ + first, count, out);
}

void decode_rows(const StoredRows& rows, MatrixView out) {
  CHECK(out.rows == rows.rows() && out.cols == rows.cols(), "[{}, {}] into [{}, {}]", rows.rows(),
        rows.cols(), out.rows, out.cols);
  CHECK(out.dtype == DType::f32 || out.dtype == DType::bf16, "rows into {}", name(out.dtype));
  std::array<float, kMaxBlockElements> numbers;
  for (std::int64_t r = 0; r < out.rows; ++r) {
    if (out.dtype == DType::f32) {
      rows.decode(r * out.cols, out.cols, out.row<float>(r));
      continue;
    }
    for (std::int64_t c = 0; c < out.cols; c += kMaxBlockElements) {
      const std::int64_t count = std::min(kMaxBlockElements, out.cols - c);
      rows.decode(r * out.cols + c, count, numbers.data());
      std::transform(numbers.begin(), numbers.begin() + count, out.row<Bf16>(r) + c, to_bf16);
    }
  }
}

bool all_finite(const StoredRows& rows) {
  if (rows.is_matrix()) return all_finite(rows.bytes(), rows.matrix().dtype);
  Tensor row(1, rows.cols());
  for (std::int64_t r = 0; r < rows.rows(); ++r) {
    decode_rows(rows.row_range(r, 1), row);
    if (!all_finite(std::as_bytes(row.values()), DType::f32)) return false;
  }
  return true;
}

bool all_finite(std::span<const std::byte> bytes, DType dtype) {
  switch (dtype) {
    case DType::f32:
      return !has_special<std::uint32_t>(bytes, 0x7f800000u);
    case DType::bf16:
      return !has_special<std::uint16_t>(bytes, 0x7f80u);
    case DType::f16:
      return !has_special<std::uint16_t>(bytes, 0x7c00u);
    default:
      CHECK(false, "whether {} is finite", name(dtype));
  }
  return false;
}

}  // namespace imagined::engine
