// exp and the sigmoid linear unit on vectors of f32. Compiled once per instruction set.
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

/// e^x for x in [-87, 88]; the caller clamps. Relative error below 2e-7.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2: the sum with 1.5 * 2^23 leaves the integer n in the low
/// bits of the float, from where one shift puts it into the exponent. e^r is a polynomial of degree
/// 6 (our own minimax fit, 4e-9), a third cheaper than Highway's Exp with its wider range.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_clamped(D d, V x) {
  const hn::RebindToUnsigned<D> du;
  const V magic = hn::Set(d, 12582912.0f);
  const V shifted = hn::MulAdd(x, hn::Set(d, 1.44269504088896341f), magic);
  const V n = hn::Sub(shifted, magic);
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693145751953125f), x);  // ln 2: 16 bits, then the rest
  r = hn::NegMulAdd(n, hn::Set(d, 1.42860682030941723e-6f), r);
  V p = hn::Set(d, 0.001381461857818067f);
  p = hn::MulAdd(p, r, hn::Set(d, 0.008368716575205326f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.04166838899254799f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.1666652113199234f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.4999999403953552f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(du, shifted));
  return hn::BitCast(d, hn::Add(hn::BitCast(du, p), exponent));
}

/// x / (1 + e^-x). Relative error below 5e-7 for x > -87; below that, the result is within 1e-36 of
/// zero. NaN gives NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V silu(D d, V x) {
  const V negated =
      hn::Min(hn::Max(hn::Neg(x), hn::Set(d, -87.0f)), hn::Set(d, 87.0f));  // keeps e^-x finite
  const V denominator = hn::Add(exp_clamped(d, negated), hn::Set(d, 1.0f));
  // Reciprocal by estimate and one Newton step: a division holds the unit for 5 to 10 cycles.
  const V estimate = hn::ApproximateReciprocal(denominator);
  const V correction = hn::NegMulAdd(denominator, estimate, hn::Set(d, 2.0f));
  return hn::Mul(x, hn::Mul(estimate, correction));
}

}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggling guard
