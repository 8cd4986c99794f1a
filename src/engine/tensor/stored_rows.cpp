#include "engine/tensor/stored_rows.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

void store(std::span<const float> values, const MatrixView& out, std::int64_t row,
           std::int64_t col) {
  if (out.dtype == DType::f32) {
    std::copy(values.begin(), values.end(), out.row<float>(row) + col);
  } else {
    Bf16* to = out.row<Bf16>(row) + col;
    for (std::size_t i = 0; i < values.size(); ++i) to[i] = to_bf16(values[i]);
  }
}

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

bool is_number(DType dtype) {
  return dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f16;
}

StoredRows::StoredRows(std::span<const std::byte> bytes, DType dtype, std::int64_t rows,
                       std::int64_t cols)
    : data_(bytes.data()), dtype_(dtype), rows_(rows), cols_(cols) {
  CHECK(is_number(dtype), "rows of {}", name(dtype));
  CHECK(this->bytes().size() <= bytes.size(), "[{}, {}] in {} bytes", rows, cols, bytes.size());
}

StoredRows::StoredRows(std::span<const std::byte> bytes, const BlockFormat& blocks,
                       std::int64_t rows, std::int64_t cols)
    : data_(bytes.data()), blocks_(&blocks), rows_(rows), cols_(cols) {
  CHECK(this->bytes().size() <= bytes.size(), "[{}, {}] in {} bytes", rows, cols, bytes.size());
}

StoredRows::StoredRows(const ConstMatrixView& matrix)
    : data_(static_cast<const std::byte*>(matrix.data)),
      dtype_(matrix.dtype),
      rows_(matrix.rows),
      cols_(matrix.cols) {
  CHECK(is_number(dtype_) && matrix.stride == cols_, "rows of {} with {} columns, {} apart",
        name(dtype_), cols_, matrix.stride);
}

std::span<const std::byte> StoredRows::bytes() const {
  const std::int64_t elements = rows_ * cols_;
  if (blocks_ == nullptr) return {data_, static_cast<std::size_t>(elements) * size_bytes(dtype_)};
  if (elements == 0) return {data_, 0};
  const std::int64_t count = (skipped_ + elements + blocks_->elements - 1) / blocks_->elements;
  return {data_, static_cast<std::size_t>(count * blocks_->size_bytes)};
}

StoredRows StoredRows::row_range(std::int64_t first, std::int64_t count) const {
  CHECK(first >= 0 && count >= 0 && first <= rows_ && count <= rows_ - first, "rows {}+{} of {}",
        first, count, rows_);
  StoredRows part = *this;
  part.rows_ = count;
  const std::int64_t element = skipped_ + first * cols_;
  if (blocks_ == nullptr) {
    part.data_ += static_cast<std::size_t>(element) * size_bytes(dtype_);
  } else {
    part.data_ += element / blocks_->elements * blocks_->size_bytes;
    part.skipped_ = element % blocks_->elements;
  }
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

ConstMatrixView StoredRows::matrix() const {
  CHECK(blocks_ == nullptr, "blocks are no matrix");
  return {data_, dtype_, rows_, cols_};
}

void decode_rows(const StoredRows& rows, MatrixView out) {
  CHECK(out.rows == rows.rows_ && out.cols == rows.cols_, "[{}, {}] into [{}, {}]", rows.rows_,
        rows.cols_, out.rows, out.cols);
  if (rows.blocks_ == nullptr) {
    const ConstMatrixView in = rows.matrix();
    for (std::int64_t r = 0; r < in.rows; ++r)
      for (std::int64_t c = 0; c < in.cols; ++c) write_element(out, r, c, read_element(in, r, c));
    return;
  }
  const std::int64_t n = rows.blocks_->elements;
  const auto block_bytes = static_cast<std::size_t>(rows.blocks_->size_bytes);
  std::span<const std::byte> left = rows.bytes();
  std::array<float, kMaxBlockElements> values{};
  std::int64_t at =
      n + rows.skipped_;  // the next element of the block; n or more: of the one after
  for (std::int64_t r = 0; r < out.rows; ++r) {
    for (std::int64_t c = 0; c < out.cols;) {
      if (at >= n) {
        dequantise(*rows.blocks_, left.first(block_bytes), values.data());
        left = left.subspan(block_bytes);
        at -= n;
      }
      const std::int64_t count = std::min(n - at, out.cols - c);
      store(
          std::span(values).subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count)),
          out, r, c);
      at += count;
      c += count;
    }
  }
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
