#include "engine/models/common/transformer.h"

namespace imagined::engine {

std::int64_t TransformerWorkspace::held_bytes() const {
  std::int64_t sum = 0;
  for (const Tensor* tensor : {&hidden, &normed, &qkv, &joined, &inner}) {
    sum += tensor->rows() * tensor->cols() * static_cast<std::int64_t>(size_bytes(tensor->dtype()));
  }
  return sum;
}

void grow(Tensor& tensor, std::int64_t rows, std::int64_t cols, DType dtype) {
  if (!tensor.empty() && tensor.rows() >= rows && tensor.cols() == cols &&
      tensor.dtype() == dtype) {
    return;
  }
  tensor = Tensor();  // the old one goes before the new one comes
  tensor = Tensor(rows, cols, dtype);
}

}  // namespace imagined::engine
