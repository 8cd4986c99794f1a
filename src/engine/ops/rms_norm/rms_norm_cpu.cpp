#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/ops/rms_norm/rms_norm_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include <cmath>

#include "engine/backend/cpu/lanes_inl.h"
#include "engine/backend/cpu/vector_math_inl.h"
#include "engine/ops/rms_norm/rms_norm_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {

template <bool kSilu, class In, class Out>
void normalise_row(const In* x, std::size_t dim, const float* weight, float epsilon, Out* out) {
  const float squares = sum_row(dim, [x](Floats total, std::size_t i, std::size_t n) HWY_ATTR {
    const Floats value = load(x + i, n);
    return hn::MulAdd(value, value, total);
  });
  const Floats inverse =
      hn::Set(Lanes(), 1.0f / std::sqrt(squares / static_cast<float>(dim) + epsilon));
  write_row(dim, out, [=](std::size_t i, std::size_t n) HWY_ATTR {
    const Floats y = hn::Mul(hn::Mul(load(x + i, n), inverse), load(weight + i, n));
    return kSilu ? silu(Lanes(), y) : y;
  });
}

template <bool kSilu, class In>
void normalise_rows(const ConstMatrixView& x, const float* weight, float epsilon,
                    const MatrixView& out) {
  const auto dim = static_cast<std::size_t>(x.cols);
  for (std::int64_t r = 0; r < x.rows; ++r) {
    if (out.dtype == DType::f32) {
      normalise_row<kSilu>(x.row<In>(r), dim, weight, epsilon, out.row<float>(r));
    } else {
      normalise_row<kSilu>(x.row<In>(r), dim, weight, epsilon, out.row<Bf16>(r));
    }
  }
}

void rms_norm_rows(const ConstMatrixView& x, const float* weight, float epsilon,
                   const MatrixView& out) {
  if (x.dtype == DType::f32) return normalise_rows<false, float>(x, weight, epsilon, out);
  normalise_rows<false, Bf16>(x, weight, epsilon, out);
}

void rms_norm_silu_rows(const ConstMatrixView& x, const float* weight, float epsilon,
                        const MatrixView& out) {
  if (x.dtype == DType::f32) return normalise_rows<true, float>(x, weight, epsilon, out);
  normalise_rows<true, Bf16>(x, weight, epsilon, out);
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(rms_norm_rows);
HWY_EXPORT(rms_norm_silu_rows);

void rms_norm_cpu(ConstMatrixView x, const float* weight, float epsilon, MatrixView out) {
  HWY_DYNAMIC_DISPATCH(rms_norm_rows)(x, weight, epsilon, out);
}

void rms_norm_silu_cpu(ConstMatrixView x, const float* weight, float epsilon, MatrixView out) {
  HWY_DYNAMIC_DISPATCH(rms_norm_silu_rows)(x, weight, epsilon, out);
}

}  // namespace imagined::engine
#endif
