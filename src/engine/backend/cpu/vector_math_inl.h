// Powers of two and the sigmoid linear unit on vectors of f32. Compiled once per instruction set.
#if defined(IMAGINED_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGINED_VECTOR_MATH_INL_H_
#undef IMAGINED_VECTOR_MATH_INL_H_
#else
#define IMAGINED_VECTOR_MATH_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// 2^(factor * x) for products in [-126, 127]; the caller clamps x. Relative error below
/// 2e-7 + 2e-8 |factor * x| (6e-8 of it on a machine without fused multiply-add).
///
/// The sum with 1.5 * 2^23 rounds the product to an integer n and leaves it in the low bits of the
/// float, from where one shift puts it into the exponent. 2^f for the rest f in [-1/2, 1/2] is our
/// own minimax polynomial (1e-7). Half the work of Highway's Exp, which serves a wider range.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2_of_product(D d, V x, float factor) {
  const hn::RebindToUnsigned<D> du;
  const V scale = hn::Set(d, factor);
  const V magic = hn::Set(d, 12582912.0f);
  const V shifted = hn::MulAdd(x, scale, magic);
  const V f = hn::MulSub(x, scale, hn::Sub(shifted, magic));
  V p = hn::Set(d, 0.0013264745939522982f);
  p = hn::MulAdd(p, f, hn::Set(d, 0.009671512991189957f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.05550733581185341f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.24022242426872253f));
  p = hn::MulAdd(p, f, hn::Set(d, 0.6931470036506653f));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(du, shifted));
  return hn::BitCast(d, hn::Add(hn::BitCast(du, p), exponent));
}

/// x / (1 + e^-z). Relative error below 5e-7, for z < 0 plus 3e-8 |z| (9e-8 |z| without fused
/// multiply-add); for z below -87 the result is within 1e-36 |x| of zero. NaN in x gives NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V times_sigmoid(D d, V x, V z) {
  constexpr float kLog2E = 1.44269504f;
  const V clamped = hn::Min(hn::Max(z, hn::Set(d, -87.0f)), hn::Set(d, 87.0f));
  const V denominator = hn::Add(exp2_of_product(d, clamped, -kLog2E), hn::Set(d, 1.0f));
  // Reciprocal by estimate and one Newton step: a division holds the unit for 5 to 10 cycles.
  const V estimate = hn::ApproximateReciprocal(denominator);
  const V correction = hn::NegMulAdd(denominator, estimate, hn::Set(d, 2.0f));
  return hn::Mul(x, hn::Mul(estimate, correction));
}

/// x / (1 + e^-x), with the errors of times_sigmoid.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V silu(D d, V x) {
  return times_sigmoid(d, x, x);
}

}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggling guard
