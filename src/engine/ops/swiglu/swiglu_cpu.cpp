#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/ops/swiglu/swiglu_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include "engine/backend/cpu/lanes_inl.h"
#include "engine/backend/cpu/vector_math_inl.h"
#include "engine/ops/swiglu/swiglu_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {

template <class In, class Out>
void gate_row(const In* gate, const In* up, std::size_t width, Out* out) {
  for_vectors(width, [=](std::size_t i, std::size_t n) HWY_ATTR {
    store(hn::Mul(silu(Lanes(), load(gate + i, n)), load(up + i, n)), out + i, n);
  });
}

template <class In>
void gate_rows(const ConstMatrixView& u, const MatrixView& out) {
  const auto width = static_cast<std::size_t>(out.cols);
  for (std::int64_t r = 0; r < u.rows; ++r) {
    const In* gate = u.row<In>(r);
    if (out.dtype == DType::f32) {
      gate_row(gate, gate + width, width, out.row<float>(r));
    } else {
      gate_row(gate, gate + width, width, out.row<Bf16>(r));
    }
  }
}

void swiglu_rows(const ConstMatrixView& u, const MatrixView& out) {
  if (u.dtype == DType::f32) {
    gate_rows<float>(u, out);
  } else {
    gate_rows<Bf16>(u, out);
  }
}

void silu_rows(const ConstMatrixView& x, const MatrixView& out) {
  for (std::int64_t r = 0; r < x.rows; ++r) {
    const float* from = x.row<float>(r);
    float* to = out.row<float>(r);
    for_vectors(static_cast<std::size_t>(x.cols), [=](std::size_t i, std::size_t n) HWY_ATTR {
      store(silu(Lanes(), load(from + i, n)), to + i, n);
    });
  }
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(swiglu_rows);
HWY_EXPORT(silu_rows);

void swiglu_cpu(ConstMatrixView u, MatrixView out) { HWY_DYNAMIC_DISPATCH(swiglu_rows)(u, out); }

void silu_cpu(ConstMatrixView x, MatrixView out) { HWY_DYNAMIC_DISPATCH(silu_rows)(x, out); }

}  // namespace imagined::engine
#endif
