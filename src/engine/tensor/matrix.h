// Matrices and pictures of numbers: who owns the bytes (Tensor) and who only looks (views).
//
// Every activation of the engine is a matrix [rows, cols], row-major, with a row stride: token
// features are [tokens, width], a picture is [height * width, channels] (NHWC, batch 1). Parts of a
// matrix (the text rows, the k columns of a fused qkv) are views with the parent's stride, so no op
// copies to split or to join.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/check.h"
#include "engine/tensor/dtype.h"

namespace imagined::engine {

/// A matrix that someone else owns and that may be written. `stride` is in elements, >= cols.
struct MatrixView {
  void* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;

  template <class T>
  T* row(std::int64_t index) const {
    DCHECK(dtype == dtype_of<T>, "matrix is {}", name(dtype));
    return static_cast<T*>(data) + index * stride;
  }
  MatrixView row_range(std::int64_t first, std::int64_t count) const {
    CHECK(first >= 0 && count >= 0 && first + count <= rows, "rows {}+{} of {}", first, count,
          rows);
    MatrixView part = *this;
    part.data = static_cast<std::byte*>(data) +
                static_cast<std::size_t>(first * stride) * size_bytes(dtype);
    part.rows = count;
    return part;
  }
  MatrixView col_range(std::int64_t first, std::int64_t count) const {
    CHECK(first >= 0 && count >= 0 && first + count <= cols, "cols {}+{} of {}", first, count,
          cols);
    MatrixView part = *this;
    part.data = static_cast<std::byte*>(data) + static_cast<std::size_t>(first) * size_bytes(dtype);
    part.cols = count;
    return part;
  }
};

/// A matrix that someone else owns and that is only read.
struct ConstMatrixView {
  const void* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;

  ConstMatrixView() = default;
  ConstMatrixView(const void* bytes, DType type, std::int64_t row_count, std::int64_t col_count)
      : data(bytes), dtype(type), rows(row_count), cols(col_count), stride(col_count) {}
  ConstMatrixView(
      const MatrixView& view)  // NOLINT(google-explicit-constructor): a narrower promise
      : data(view.data), dtype(view.dtype), rows(view.rows), cols(view.cols), stride(view.stride) {}

  template <class T>
  const T* row(std::int64_t index) const {
    DCHECK(dtype == dtype_of<T>, "matrix is {}", name(dtype));
    return static_cast<const T*>(data) + index * stride;
  }
  ConstMatrixView row_range(std::int64_t first, std::int64_t count) const {
    CHECK(first >= 0 && count >= 0 && first + count <= rows, "rows {}+{} of {}", first, count,
          rows);
    ConstMatrixView part = *this;
    part.data = static_cast<const std::byte*>(data) +
                static_cast<std::size_t>(first * stride) * size_bytes(dtype);
    part.rows = count;
    return part;
  }
  ConstMatrixView col_range(std::int64_t first, std::int64_t count) const {
    CHECK(first >= 0 && count >= 0 && first + count <= cols, "cols {}+{} of {}", first, count,
          cols);
    ConstMatrixView part = *this;
    part.data =
        static_cast<const std::byte*>(data) + static_cast<std::size_t>(first) * size_bytes(dtype);
    part.cols = count;
    return part;
  }
};

/// A picture [height, width, channels] whose pixels are the rows of a matrix, row-major.
struct ImageView {
  MatrixView pixels;  // [height * width, channels]
  std::int64_t height = 0;
  std::int64_t width = 0;
};
struct ConstImageView {
  ConstMatrixView pixels;
  std::int64_t height = 0;
  std::int64_t width = 0;

  ConstImageView() = default;
  ConstImageView(ConstMatrixView matrix, std::int64_t h, std::int64_t w)
      : pixels(matrix), height(h), width(w) {}
  ConstImageView(const ImageView& view)  // NOLINT(google-explicit-constructor)
      : pixels(view.pixels), height(view.height), width(view.width) {}
};

/// Owns a dense matrix, 64-byte aligned, uninitialised until written. Moves, never copies.
class Tensor {
 public:
  Tensor() = default;
  Tensor(std::int64_t rows, std::int64_t cols, DType dtype = DType::f32);
  static Tensor zeros(std::int64_t rows, std::int64_t cols, DType dtype = DType::f32);

  std::int64_t rows() const { return view_.rows; }
  std::int64_t cols() const { return view_.cols; }
  DType dtype() const { return view_.dtype; }
  bool empty() const { return view_.data == nullptr; }

  MatrixView view() { return view_; }
  ConstMatrixView view() const { return view_; }
  operator MatrixView() { return view_; }             // NOLINT(google-explicit-constructor)
  operator ConstMatrixView() const { return view_; }  // NOLINT(google-explicit-constructor)

  template <class T = float>
  T* row(std::int64_t index) {
    return view_.row<T>(index);
  }
  template <class T = float>
  const T* row(std::int64_t index) const {
    return static_cast<const MatrixView&>(view_).row<T>(index);
  }
  /// All elements, row after row.
  template <class T = float>
  std::span<T> values() {
    return {view_.row<T>(0), static_cast<std::size_t>(view_.rows * view_.cols)};
  }
  template <class T = float>
  std::span<const T> values() const {
    return {view_.row<T>(0), static_cast<std::size_t>(view_.rows * view_.cols)};
  }

 private:
  struct Free {
    void operator()(std::byte* bytes) const noexcept;
  };
  std::unique_ptr<std::byte[], Free> bytes_;
  MatrixView view_;
};

/// Owns a vector of f32 that a network learned: a norm's weight, a bias. To operations it is a
/// matrix [1, size].
class Vector {
 public:
  Vector() = default;
  explicit Vector(std::int64_t size) : tensor_(1, size) {}
  explicit Vector(std::span<const float> values);

  std::int64_t size() const { return tensor_.cols(); }
  bool empty() const { return tensor_.empty(); }
  std::span<float> values() { return tensor_.values(); }
  std::span<const float> values() const { return tensor_.values(); }
  operator MatrixView() { return tensor_; }             // NOLINT(google-explicit-constructor)
  operator ConstMatrixView() const { return tensor_; }  // NOLINT(google-explicit-constructor)

 private:
  Tensor tensor_;
};

/// The numbers of a vector [1, size] of f32, named `what` in an operation. Another shape is our
/// bug: CHECK fails.
const float* vector_values(const ConstMatrixView& vector, std::int64_t size, std::string_view what);

}  // namespace imagined::engine
