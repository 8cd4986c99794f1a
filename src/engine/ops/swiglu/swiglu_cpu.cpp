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

HWY_INLINE Floats gated(Floats gate, Floats up) { return hn::Mul(silu(Lanes(), gate), up); }

template <class In, class Out>
void gate_row(const In* gate, const In* up, std::size_t width, Out* out) {
  write_row(width, out, [=](std::size_t i, std::size_t n) HWY_ATTR {
    return gated(load(gate + i, n), load(up + i, n));
  });
}

/// From bf16 to bf16 neighbours are taken apart and joined within a lane, which is cheaper than
/// widening one half of a vector after the other.
void gate_row(const Bf16* gate, const Bf16* up, std::size_t width, Bf16* out) {
  for_vectors(width / 2, [=](std::size_t pair, std::size_t n) HWY_ATTR {
    Floats gate_even, gate_odd, up_even, up_odd;
    load_pairs(gate + 2 * pair, n, gate_even, gate_odd);
    load_pairs(up + 2 * pair, n, up_even, up_odd);
    store_pairs(gated(gate_even, up_even), gated(gate_odd, up_odd), out + 2 * pair, n);
  });
  if (width % 2 != 0) {
    store(gated(load(gate + width - 1, 1), load(up + width - 1, 1)), out + width - 1, 1);
  }
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
    write_row(static_cast<std::size_t>(x.cols), to, [=](std::size_t i, std::size_t n) HWY_ATTR {
      return silu(Lanes(), load(from + i, n));
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
