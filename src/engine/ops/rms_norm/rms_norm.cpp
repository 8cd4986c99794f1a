#include "engine/ops/rms_norm/rms_norm.h"

#include "engine/backend/cpu/rows.h"
#include "engine/ops/rms_norm/rms_norm_cpu.h"

namespace imagined::engine {

void rms_norm(const Context& context, ConstMatrixView x, ConstMatrixView weight, float epsilon,
              MatrixView out) {
  CHECK(x.dtype == DType::f32, "rms norm of {}", name(x.dtype));
  CHECK(out.dtype == DType::f32 || out.dtype == DType::bf16, "rms norm into {}", name(out.dtype));
  CHECK(x.rows == out.rows && x.cols == out.cols && x.cols > 0, "rms norm [{}, {}] into [{}, {}]",
        x.rows, x.cols, out.rows, out.cols);
  const float* const factors = vector_values(weight, x.cols, "rms norm: weight");
  for_row_pieces(context, x.rows, x.cols * 6, [&](std::int64_t first, std::int64_t count) {
    rms_norm_cpu(x.row_range(first, count), factors, epsilon, out.row_range(first, count));
  });
}

}  // namespace imagined::engine
