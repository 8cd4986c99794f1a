#include "engine/ops/rms_norm/rms_norm.h"

#include "engine/backend/cpu/rows.h"
#include "engine/ops/rms_norm/rms_norm_cpu.h"

namespace imagined::engine {
namespace {

template <class Rows>
void normalise(const Context& context, ConstMatrixView x, ConstMatrixView weight, MatrixView out,
               std::int64_t cost, const Rows& rows) {
  CHECK(x.dtype == DType::f32 || x.dtype == DType::bf16, "rms norm of {}", name(x.dtype));
  CHECK(out.dtype == DType::f32 || out.dtype == DType::bf16, "rms norm into {}", name(out.dtype));
  CHECK(x.rows == out.rows && x.cols == out.cols && x.cols > 0, "rms norm [{}, {}] into [{}, {}]",
        x.rows, x.cols, out.rows, out.cols);
  const float* const factors = vector_values(weight, x.cols, "rms norm: weight");
  for_row_pieces(context, x.rows, x.cols * cost, [&](std::int64_t first, std::int64_t count) {
    rows(x.row_range(first, count), factors, out.row_range(first, count));
  });
}

}  // namespace

void rms_norm(const Context& context, ConstMatrixView x, ConstMatrixView weight, float epsilon,
              MatrixView out) {
  normalise(context, x, weight, out, 6,
            [epsilon](ConstMatrixView from, const float* factors, MatrixView to) {
              rms_norm_cpu(from, factors, epsilon, to);
            });
}

void rms_norm_silu(const Context& context, ConstMatrixView x, ConstMatrixView weight, float epsilon,
                   MatrixView out) {
  normalise(context, x, weight, out, 12,
            [epsilon](ConstMatrixView from, const float* factors, MatrixView to) {
              rms_norm_silu_cpu(from, factors, epsilon, to);
            });
}

}  // namespace imagined::engine
