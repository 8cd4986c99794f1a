#include "engine/ops/layer_norm/layer_norm.h"

#include "engine/backend/cpu/rows.h"
#include "engine/ops/layer_norm/layer_norm_cpu.h"

namespace imagined::engine {

namespace {
void check_shapes(const ConstMatrixView& x, const MatrixView& out) {
  CHECK(x.dtype == DType::f32, "layer norm of {}", name(x.dtype));
  CHECK(out.dtype == DType::f32 || out.dtype == DType::bf16, "layer norm into {}", name(out.dtype));
  CHECK(x.rows == out.rows && x.cols == out.cols && x.cols > 0, "layer norm [{}, {}] into [{}, {}]",
        x.rows, x.cols, out.rows, out.cols);
}
}  // namespace

void layer_norm(const Context& context, ConstMatrixView x, const float* weight, const float* bias,
                float epsilon, MatrixView out) {
  check_shapes(x, out);
  for_row_pieces(context, x.rows, x.cols * 6, [&](std::int64_t first, std::int64_t count) {
    layer_norm_cpu(x.row_range(first, count), weight, bias, epsilon, out.row_range(first, count));
  });
}

void layer_norm_modulate(const Context& context, ConstMatrixView x, const float* shift,
                         const float* scale, float epsilon, MatrixView out) {
  check_shapes(x, out);
  CHECK((shift == nullptr) == (scale == nullptr), "layer norm: shift without scale or the reverse");
  for_row_pieces(context, x.rows, x.cols * 6, [&](std::int64_t first, std::int64_t count) {
    layer_norm_modulate_cpu(x.row_range(first, count), shift, scale, epsilon,
                            out.row_range(first, count));
  });
}

}  // namespace imagined::engine
