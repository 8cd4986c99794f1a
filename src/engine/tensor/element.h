// One element of a matrix, whatever its dtype: for references, packing and tests, not for kernels.
#pragma once

#include <cstring>

#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// f32, bf16 or f16, widened exactly; the bytes need not be aligned.
inline float read_element(const ConstMatrixView& matrix, std::int64_t row, std::int64_t col) {
  const auto* bytes =
      static_cast<const std::byte*>(matrix.data) +
      static_cast<std::size_t>(row * matrix.stride + col) * size_bytes(matrix.dtype);
  if (matrix.dtype == DType::f32) {
    float value = 0;
    std::memcpy(&value, bytes, sizeof(value));
    return value;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof(bits));
  if (matrix.dtype == DType::bf16) return to_float(Bf16{bits});
  CHECK(matrix.dtype == DType::f16, "element of a matrix of {}", name(matrix.dtype));
  return half_to_float(bits);
}

/// f32 or bf16 (rounded to nearest, ties to even).
inline void write_element(const MatrixView& matrix, std::int64_t row, std::int64_t col,
                          float value) {
  if (matrix.dtype == DType::f32) {
    matrix.row<float>(row)[col] = value;
    return;
  }
  CHECK(matrix.dtype == DType::bf16, "store to a matrix of {}", name(matrix.dtype));
  matrix.row<Bf16>(row)[col] = to_bf16(value);
}

}  // namespace imagined::engine
