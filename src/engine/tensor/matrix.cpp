#include "engine/tensor/matrix.h"

#include <cstring>
#include <new>

namespace imagined::engine {
namespace {
constexpr std::align_val_t kAlignment{64};  // one cache line, one AVX-512 register
}

Tensor::Tensor(std::int64_t rows, std::int64_t cols, DType dtype) {
  CHECK(rows >= 0 && cols >= 0 && size_bytes(dtype) > 0, "tensor [{}, {}] {}", rows, cols,
        name(dtype));
  const std::size_t bytes =
      static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols) * size_bytes(dtype);
  bytes_.reset(new (kAlignment) std::byte[bytes == 0 ? 1 : bytes]);
  view_ =
      MatrixView{.data = bytes_.get(), .dtype = dtype, .rows = rows, .cols = cols, .stride = cols};
}

Tensor Tensor::zeros(std::int64_t rows, std::int64_t cols, DType dtype) {
  Tensor tensor(rows, cols, dtype);
  std::memset(tensor.view_.data, 0, static_cast<std::size_t>(rows * cols) * size_bytes(dtype));
  return tensor;
}

void Tensor::Free::operator()(std::byte* bytes) const noexcept {
  ::operator delete[](bytes, kAlignment);
}

}  // namespace imagined::engine
