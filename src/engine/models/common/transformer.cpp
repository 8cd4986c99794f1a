#include "engine/models/common/transformer.h"

namespace imagined::engine {

std::int64_t TransformerWorkspace::held_bytes() const {
  std::int64_t sum = 0;
  for (const Tensor* tensor : {&hidden, &normed, &qkv, &joined, &inner}) {
    sum += tensor->rows() * tensor->cols() * static_cast<std::int64_t>(size_bytes(tensor->dtype()));
  }
  return sum;
}

}  // namespace imagined::engine
