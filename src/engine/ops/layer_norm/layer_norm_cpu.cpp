#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/ops/layer_norm/layer_norm_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include <cmath>

#include "engine/backend/cpu/lanes_inl.h"
#include "engine/ops/layer_norm/layer_norm_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {

/// (base + scale) * normal + shift; without scale and shift just the normalised row.
template <class Out>
void normalise_row(const float* x, std::size_t dim, const float* shift, float base,
                   const float* scale, float epsilon, Out* out) {
  const Lanes d;
  const float sum = sum_row(dim, [x](Floats total, std::size_t i, std::size_t n)
                                     HWY_ATTR { return hn::Add(total, load(x + i, n)); });
  const Floats mean = hn::Set(d, sum / static_cast<float>(dim));
  const float squares =
      sum_row(dim, [x, mean](Floats total, std::size_t i, std::size_t n) HWY_ATTR {
        const Floats distance = hn::Sub(load(x + i, n), mean);
        return hn::MulAdd(distance, distance, total);
      });
  const Floats inverse = hn::Set(d, 1.0f / std::sqrt(squares / static_cast<float>(dim) + epsilon));
  if (scale == nullptr) {
    write_row(dim, out, [=](std::size_t i, std::size_t n) HWY_ATTR {
      return hn::Mul(hn::Sub(load(x + i, n), mean), inverse);
    });
    return;
  }
  const Floats bases = hn::Set(d, base);
  write_row(dim, out, [=](std::size_t i, std::size_t n) HWY_ATTR {
    const Floats normal = hn::Mul(hn::Sub(load(x + i, n), mean), inverse);
    const Floats factor = hn::Add(bases, load(scale + i, n));
    return hn::MulAdd(factor, normal, load(shift + i, n));
  });
}

void layer_norm_rows(const ConstMatrixView& x, const float* shift, float base, const float* scale,
                     float epsilon, const MatrixView& out) {
  const auto dim = static_cast<std::size_t>(x.cols);
  for (std::int64_t r = 0; r < x.rows; ++r) {
    if (out.dtype == DType::f32) {
      normalise_row(x.row<float>(r), dim, shift, base, scale, epsilon, out.row<float>(r));
    } else {
      normalise_row(x.row<float>(r), dim, shift, base, scale, epsilon, out.row<Bf16>(r));
    }
  }
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(layer_norm_rows);

void layer_norm_modulate_cpu(ConstMatrixView x, const float* shift, const float* scale,
                             float epsilon, MatrixView out) {
  HWY_DYNAMIC_DISPATCH(layer_norm_rows)(x, shift, 1.0f, scale, epsilon, out);
}

void layer_norm_cpu(ConstMatrixView x, const float* weight, const float* bias, float epsilon,
                    MatrixView out) {
  HWY_DYNAMIC_DISPATCH(layer_norm_rows)(x, bias, 0.0f, weight, epsilon, out);
}

}  // namespace imagined::engine
#endif
