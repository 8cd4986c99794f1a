#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/ops/rms_norm/rms_norm_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include <cmath>

#include "engine/backend/cpu/lanes_inl.h"
#include "engine/ops/rms_norm/rms_norm_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {

template <class Out>
void normalise_row(const float* x, std::size_t dim, const float* weight, float epsilon, Out* out) {
  const float squares = sum_row(dim, [x](Floats total, std::size_t i, std::size_t n) HWY_ATTR {
    const Floats value = load(x + i, n);
    return hn::MulAdd(value, value, total);
  });
  const Floats inverse =
      hn::Set(Lanes(), 1.0f / std::sqrt(squares / static_cast<float>(dim) + epsilon));
  write_row(dim, out, [=](std::size_t i, std::size_t n) HWY_ATTR {
    return hn::Mul(hn::Mul(load(x + i, n), inverse), load(weight + i, n));
  });
}

void rms_norm_rows(const ConstMatrixView& x, const float* weight, float epsilon,
                   const MatrixView& out) {
  const auto dim = static_cast<std::size_t>(x.cols);
  for (std::int64_t r = 0; r < x.rows; ++r) {
    if (out.dtype == DType::f32) {
      normalise_row(x.row<float>(r), dim, weight, epsilon, out.row<float>(r));
    } else {
      normalise_row(x.row<float>(r), dim, weight, epsilon, out.row<Bf16>(r));
    }
  }
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(rms_norm_rows);

void rms_norm_cpu(ConstMatrixView x, const float* weight, float epsilon, MatrixView out) {
  HWY_DYNAMIC_DISPATCH(rms_norm_rows)(x, weight, epsilon, out);
}

}  // namespace imagined::engine
#endif
