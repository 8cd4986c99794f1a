#include "engine/tensor/matrix.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace imagined::engine {
namespace {
constexpr std::align_val_t kAlignment{64};  // one cache line, one AVX-512 register

// Weights are read in strides that touch many pages at once; with 2 MiB pages they fit the
// processor's page table cache. Only from a size on where rounding up costs little.
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
constexpr std::size_t kHugeFromBytes = 4 * kHugePageBytes;

/// Asks for large pages for those that lie wholly inside; the system may say no.
void prefer_huge_pages(std::byte* bytes, std::size_t size_bytes) {
  if (size_bytes < kHugeFromBytes) return;
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes);
  const std::uintptr_t first = (begin + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  const std::uintptr_t last = (begin + size_bytes) / kHugePageBytes * kHugePageBytes;
  madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

}  // namespace

Tensor::Tensor(std::int64_t rows, std::int64_t cols, DType dtype) {
  CHECK(rows >= 0 && cols >= 0 && size_bytes(dtype) > 0, "tensor [{}, {}] {}", rows, cols,
        name(dtype));
  const std::size_t bytes =
      static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols) * size_bytes(dtype);
  bytes_.reset(new (kAlignment) std::byte[bytes == 0 ? 1 : bytes]);
  prefer_huge_pages(bytes_.get(), bytes);
  view_ =
      MatrixView{.data = bytes_.get(), .dtype = dtype, .rows = rows, .cols = cols, .stride = cols};
}

Tensor Tensor::zeros(std::int64_t rows, std::int64_t cols, DType dtype) {
  Tensor tensor(rows, cols, dtype);
  std::memset(tensor.view_.data, 0, static_cast<std::size_t>(rows * cols) * size_bytes(dtype));
  return tensor;
}

Vector::Vector(std::span<const float> values) : Vector(static_cast<std::int64_t>(values.size())) {
  std::copy(values.begin(), values.end(), this->values().begin());
}

const float* vector_values(const ConstMatrixView& vector, std::int64_t size,
                           std::string_view what) {
  CHECK(vector.data != nullptr && vector.dtype == DType::f32 && vector.rows == 1 &&
            vector.cols == size,
        "{} [{}, {}] of {}, expected [1, {}]", what, vector.rows, vector.cols, name(vector.dtype),
        size);
  return vector.row<float>(0);
}

void Tensor::Free::operator()(std::byte* bytes) const noexcept {
  ::operator delete[](bytes, kAlignment);
}

}  // namespace imagined::engine
