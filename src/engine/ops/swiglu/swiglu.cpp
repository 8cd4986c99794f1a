#include "engine/ops/swiglu/swiglu.h"

#include "engine/backend/cpu/rows.h"
#include "engine/ops/swiglu/swiglu_cpu.h"

namespace imagined::engine {

void swiglu(const Context& context, ConstMatrixView u, MatrixView out) {
  CHECK(u.dtype == DType::f32 || u.dtype == DType::bf16, "swiglu of {}", name(u.dtype));
  CHECK(out.dtype == DType::f32 || out.dtype == DType::bf16, "swiglu into {}", name(out.dtype));
  CHECK(u.rows == out.rows && u.cols == 2 * out.cols, "swiglu [{}, {}] into [{}, {}]", u.rows,
        u.cols, out.rows, out.cols);
  for_row_pieces(context, u.rows, out.cols * 6, [&](std::int64_t first, std::int64_t count) {
    swiglu_cpu(u.row_range(first, count), out.row_range(first, count));
  });
}

void silu(const Context& context, ConstMatrixView x, MatrixView out) {
  CHECK(x.dtype == DType::f32 && out.dtype == DType::f32, "silu of {} into {}", name(x.dtype),
        name(out.dtype));
  CHECK(x.rows == out.rows && x.cols == out.cols, "silu [{}, {}] into [{}, {}]", x.rows, x.cols,
        out.rows, out.cols);
  for_row_pieces(context, x.rows, x.cols * 8, [&](std::int64_t first, std::int64_t count) {
    silu_cpu(x.row_range(first, count), out.row_range(first, count));
  });
}

}  // namespace imagined::engine
