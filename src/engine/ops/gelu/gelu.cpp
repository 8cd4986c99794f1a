#include "engine/ops/gelu/gelu.h"

#include "engine/backend/cpu/rows.h"
#include "engine/ops/gelu/gelu_cpu.h"

namespace imagined::engine {
namespace {
void check_dtypes(const ConstMatrixView& x, const MatrixView& out) {
  CHECK(x.dtype == DType::f32 || x.dtype == DType::bf16, "gelu of {}", name(x.dtype));
  CHECK(out.dtype == DType::f32 || out.dtype == DType::bf16, "gelu into {}", name(out.dtype));
}
}  // namespace

void gelu(const Context& context, ConstMatrixView x, Gelu kind, MatrixView out) {
  check_dtypes(x, out);
  CHECK(x.rows == out.rows && x.cols == out.cols, "gelu [{}, {}] into [{}, {}]", x.rows, x.cols,
        out.rows, out.cols);
  for_row_pieces(context, x.rows, x.cols * 8, [&](std::int64_t first, std::int64_t count) {
    gelu_cpu(x.row_range(first, count), kind, out.row_range(first, count));
  });
}

void gated_gelu(const Context& context, ConstMatrixView u, MatrixView out) {
  check_dtypes(u, out);
  CHECK(u.rows == out.rows && u.cols == 2 * out.cols, "gated gelu [{}, {}] into [{}, {}]", u.rows,
        u.cols, out.rows, out.cols);
  for_row_pieces(context, u.rows, out.cols * 9, [&](std::int64_t first, std::int64_t count) {
    gated_gelu_cpu(u.row_range(first, count), out.row_range(first, count));
  });
}

}  // namespace imagined::engine
