#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/ops/gelu/gelu_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include "engine/backend/cpu/lanes_inl.h"
#include "engine/backend/cpu/vector_math_inl.h"
#include "engine/ops/gelu/gelu_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {

struct TanhGelu {
  HWY_INLINE Floats operator()(Floats x) const {
    const Lanes d;
    constexpr float kLinear = 1.5957691216f;  // 2 sqrt(2 / pi)
    constexpr float kCubic = 0.07135481283f;  // 0.044715 of it
    const Floats factor = hn::MulAdd(hn::Mul(x, x), hn::Set(d, kCubic), hn::Set(d, kLinear));
    return times_sigmoid(d, x, hn::Mul(x, factor));
  }
};

struct QuickGelu {
  HWY_INLINE Floats operator()(Floats x) const {
    const Lanes d;
    return times_sigmoid(d, x, hn::Mul(x, hn::Set(d, 1.702f)));
  }
};

/// out[c] = kind(gate[c]), times up[c] where there is one.
template <class Kind, class In, class Out>
void gelu_row(const In* gate, const In* up, std::size_t width, Out* out) {
  if (up == nullptr) {
    write_row(width, out,
              [=](std::size_t i, std::size_t n) HWY_ATTR { return Kind()(load(gate + i, n)); });
  } else {
    write_row(width, out, [=](std::size_t i, std::size_t n) HWY_ATTR {
      return hn::Mul(Kind()(load(gate + i, n)), load(up + i, n));
    });
  }
}

template <class Kind, class In>
void gelu_rows_of(const ConstMatrixView& x, bool gated, const MatrixView& out) {
  const auto width = static_cast<std::size_t>(out.cols);
  for (std::int64_t r = 0; r < x.rows; ++r) {
    const In* const gate = x.row<In>(r);
    const In* const up = gated ? gate + width : nullptr;
    if (out.dtype == DType::f32) {
      gelu_row<Kind>(gate, up, width, out.row<float>(r));
    } else {
      gelu_row<Kind>(gate, up, width, out.row<Bf16>(r));
    }
  }
}

void gelu_rows(const ConstMatrixView& x, Gelu kind, bool gated, const MatrixView& out) {
  const bool wide = x.dtype == DType::f32;
  if (kind == Gelu::tanh) {
    wide ? gelu_rows_of<TanhGelu, float>(x, gated, out)
         : gelu_rows_of<TanhGelu, Bf16>(x, gated, out);
  } else {
    wide ? gelu_rows_of<QuickGelu, float>(x, gated, out)
         : gelu_rows_of<QuickGelu, Bf16>(x, gated, out);
  }
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(gelu_rows);

void gelu_cpu(ConstMatrixView x, Gelu kind, MatrixView out) {
  HWY_DYNAMIC_DISPATCH(gelu_rows)(x, kind, false, out);
}

void gated_gelu_cpu(ConstMatrixView u, MatrixView out) {
  HWY_DYNAMIC_DISPATCH(gelu_rows)(u, Gelu::tanh, true, out);
}

}  // namespace imagined::engine
#endif
