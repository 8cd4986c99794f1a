// What a network's work takes, counted from its shapes before it runs.
#pragma once

#include <cstdint>

#include "engine/tensor/dtype.h"

namespace imagined::engine {

struct WorkCost {
  double flop = 0;         // multiplications and additions, without norms and softmax
  std::int64_t bytes = 0;  // of memory beside the weights, where most is needed at once
};

inline std::int64_t matrix_bytes(std::int64_t rows, std::int64_t cols, DType dtype) {
  return rows * cols * static_cast<std::int64_t>(size_bytes(dtype));
}

}  // namespace imagined::engine
