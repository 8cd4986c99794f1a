#include "engine/models/common/product_rate.h"

#include <algorithm>
#include <limits>

#include "engine/ops/matmul/matmul.h"

namespace imagined::engine {

double product_gflops(const Context& context, WeightFormat format, DType activations,
                      double (*seconds_now)()) {
  constexpr std::int64_t kRows = 512;
  constexpr std::int64_t kWidth = 3072;
  const Tensor x = Tensor::zeros(kRows, kWidth, activations);
  const Tensor w = Tensor::zeros(kWidth, kWidth, DType::bf16);
  const StoredRows parts[] = {StoredRows(w)};
  const MatmulWeight weight = map_weight(context, parts, format, nullptr);
  Tensor out(kRows, kWidth);
  double best = std::numeric_limits<double>::infinity();
  for (int repeat = 0; repeat < 4; ++repeat) {  // the first one warms caches and scratch memory
    const double start = seconds_now();
    matmul(context, x, weight, out);
    best = std::min(best, seconds_now() - start);
  }
  return 2e-9 * static_cast<double>(kRows * kWidth * kWidth) / best;
}

}  // namespace imagined::engine
