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

void layer_norm(const Context& context, ConstMatrixView x, ConstMatrixView weight,
                ConstMatrixView bias, float epsilon, MatrixView out) {
  check_shapes(x, out);
  const float* const factors = vector_values(weight, x.cols, "layer norm: weight");
  const float* const summands = vector_values(bias, x.cols, "layer norm: bias");
  for_row_pieces(context, x.rows, x.cols * 6, [&](std::int64_t first, std::int64_t count) {
    layer_norm_cpu(x.row_range(first, count), factors, summands, epsilon,
                   out.row_range(first, count));
  });
}

void layer_norm_modulate(const Context& context, ConstMatrixView x, ConstMatrixView shift,
                         ConstMatrixView scale, float epsilon, MatrixView out) {
  check_shapes(x, out);
  CHECK((shift.data == nullptr) == (scale.data == nullptr),
        "layer norm: shift without scale or the reverse");
  const bool plain = shift.data == nullptr;
  const float* const summands = plain ? nullptr : vector_values(shift, x.cols, "layer norm: shift");
  const float* const factors = plain ? nullptr : vector_values(scale, x.cols, "layer norm: scale");
  for_row_pieces(context, x.rows, x.cols * 6, [&](std::int64_t first, std::int64_t count) {
    layer_norm_modulate_cpu(x.row_range(first, count), summands, factors, epsilon,
                            out.row_range(first, count));
  });
}

}  // namespace imagined::engine
