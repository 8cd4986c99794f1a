#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/ops/rope/rope_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include <cmath>

#include "engine/backend/cpu/lanes_inl.h"
#include "engine/ops/rope/rope_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {

/// (a, b) becomes (a cos - b sin, b cos + a sin).
HWY_INLINE void rotate(Floats cos, Floats sin, Floats& a, Floats& b) {
  const Floats turned = hn::NegMulAdd(b, sin, hn::Mul(a, cos));
  b = hn::MulAdd(b, cos, hn::Mul(a, sin));
  a = turned;
}

template <class T>
HWY_INLINE Floats inverse_rms(const T* x, std::size_t head_dim, float epsilon) {
  const float squares = sum_row(head_dim, [x](Floats total, std::size_t i, std::size_t n) HWY_ATTR {
    const Floats value = load(x + i, n);
    return hn::MulAdd(value, value, total);
  });
  return hn::Set(Lanes(), 1.0f / std::sqrt(squares / static_cast<float>(head_dim) + epsilon));
}

template <class T>
void turn_interleaved(T* x, std::size_t head_dim, const float* weight, float epsilon,
                      const float* cos, const float* sin) {
  const bool has_norm = weight != nullptr;
  const Floats inverse = has_norm ? inverse_rms(x, head_dim, epsilon) : hn::Set(Lanes(), 1.0f);
  for_vectors(head_dim / 2, [=](std::size_t p, std::size_t n) HWY_ATTR {
    Floats a, b, weight_a, weight_b;
    load_pairs(x + 2 * p, n, a, b);
    if (has_norm) {
      load_pairs(weight + 2 * p, n, weight_a, weight_b);
      a = hn::Mul(hn::Mul(a, inverse), weight_a);
      b = hn::Mul(hn::Mul(b, inverse), weight_b);
    }
    rotate(load(cos + p, n), load(sin + p, n), a, b);
    store_pairs(a, b, x + 2 * p, n);
  });
}

template <class T>
void turn_halves(T* x, std::size_t head_dim, const float* weight, float epsilon, const float* cos,
                 const float* sin) {
  const bool has_norm = weight != nullptr;
  const Floats inverse = has_norm ? inverse_rms(x, head_dim, epsilon) : hn::Set(Lanes(), 1.0f);
  const std::size_t half = head_dim / 2;
  for_vectors(half, [=](std::size_t p, std::size_t n) HWY_ATTR {
    Floats a = load(x + p, n);
    Floats b = load(x + half + p, n);
    if (has_norm) {
      a = hn::Mul(hn::Mul(a, inverse), load(weight + p, n));
      b = hn::Mul(hn::Mul(b, inverse), load(weight + half + p, n));
    }
    rotate(load(cos + p, n), load(sin + p, n), a, b);
    store(a, x + p, n);
    store(b, x + half + p, n);
  });
}

template <class T>
void turn_rows(const MatrixView& x, std::int64_t head_dim, const float* weight, float epsilon,
               const RopeRows& table, std::int64_t first, RopeLayout layout) {
  const auto dim = static_cast<std::size_t>(head_dim);
  for (std::int64_t r = 0; r < x.rows; ++r) {
    const float* cos = table.cos.row<float>(first + r);
    const float* sin = table.sin.row<float>(first + r);
    for (std::int64_t head = 0; head < x.cols; head += head_dim) {
      if (layout == RopeLayout::interleaved) {
        turn_interleaved(x.row<T>(r) + head, dim, weight, epsilon, cos, sin);
      } else {
        turn_halves(x.row<T>(r) + head, dim, weight, epsilon, cos, sin);
      }
    }
  }
}

void head_norm_rope_rows(const MatrixView& x, std::int64_t head_dim, const float* weight,
                         float epsilon, const RopeRows& table, std::int64_t first,
                         RopeLayout layout) {
  if (x.dtype == DType::f32) {
    turn_rows<float>(x, head_dim, weight, epsilon, table, first, layout);
  } else {
    turn_rows<Bf16>(x, head_dim, weight, epsilon, table, first, layout);
  }
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(head_norm_rope_rows);

void head_norm_rope_cpu(MatrixView x, std::int64_t head_dim, const float* weight, float epsilon,
                        const RopeRows& table, std::int64_t first, RopeLayout layout) {
  HWY_DYNAMIC_DISPATCH(head_norm_rope_rows)(x, head_dim, weight, epsilon, table, first, layout);
}

}  // namespace imagined::engine
#endif
