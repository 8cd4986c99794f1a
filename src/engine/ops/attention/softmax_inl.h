// Softmax of one row in terms of one instruction set's vectors. Included by softmax_<isa>.cpp
// only, and in an unnamed namespace for the same reason as tile_inl.h.
#pragma once

#include "engine/ops/attention/softmax.h"

namespace imagined::engine {
namespace {

/// 2^t for t <= 0, relative error below 1e-7; for t below the exponent's range a number so small
/// that it vanishes beside the largest weight, which is 1. NaN stays NaN.
///
/// t = n + r with |r| <= 1/2; 2^r by a polynomial of degree 6, our own minimax fit (2.6e-9).
template <class Isa>
inline typename Isa::Float exp2_negative(typename Isa::Float t) {
  t = Isa::max(Isa::set(Isa::kExponentMin), t);  // the second operand is what max gives for NaN
  const auto n = Isa::round(t);
  const auto r = Isa::sub(t, n);
  auto p = Isa::set(0.000155946778f);
  p = Isa::fma(p, r, Isa::set(0.00134066434f));
  p = Isa::fma(p, r, Isa::set(0.00961769279f));
  p = Isa::fma(p, r, Isa::set(0.0555031039f));
  p = Isa::fma(p, r, Isa::set(0.240226522f));
  p = Isa::fma(p, r, Isa::set(0.693147242f));
  p = Isa::fma(p, r, Isa::set(1.0f));
  return Isa::scale_by_power(p, n);
}

template <class Isa>
void weigh(SoftmaxArgs& args) {
  constexpr float kInfinity = __builtin_inff();
  float* const scores = args.scores;
  std::int64_t padded = args.count;
  for (; padded % Isa::kLanes != 0; ++padded) scores[padded] = -kInfinity;

  auto largest = Isa::set(-kInfinity);
  for (std::int64_t j = 0; j < padded; j += Isa::kLanes) {
    largest = Isa::max(largest, Isa::load(scores + j));
  }
  const float block_maximum = Isa::largest_lane(largest) * args.scale;
  const float before = args.maximum;
  args.maximum = block_maximum > before ? block_maximum : before;
  float correction[Isa::kLanes];
  Isa::store(correction, exp2_negative<Isa>(Isa::set(before - args.maximum)));
  args.correction = before == -kInfinity ? 0.0f : correction[0];

  const auto scale = Isa::set(args.scale);
  const auto offset = Isa::set(-args.maximum);
  auto sum = Isa::set(0.0f);
  for (std::int64_t j = 0; j < padded; j += Isa::kLanes) {
    const auto weight = exp2_negative<Isa>(Isa::fma(Isa::load(scores + j), scale, offset));
    sum = Isa::add(sum, weight);
    Isa::store(scores + j, weight);
  }
  args.sum = __builtin_fmaf(args.sum, args.correction, Isa::sum_of_lanes(sum));
}

template <class Isa>
void multiply(float* values, std::int64_t count, float factor) {
  const auto factors = Isa::set(factor);
  std::int64_t i = 0;
  for (; i + Isa::kLanes <= count; i += Isa::kLanes) {
    Isa::store(values + i, Isa::mul(Isa::load(values + i), factors));
  }
  for (; i < count; ++i) values[i] *= factor;
}

template <class Isa>
void add_scaled(float* values, const float* summands, std::int64_t count, float factor) {
  const auto factors = Isa::set(factor);
  std::int64_t i = 0;
  for (; i + Isa::kLanes <= count; i += Isa::kLanes) {
    Isa::store(values + i, Isa::fma(Isa::load(summands + i), factors, Isa::load(values + i)));
  }
  for (; i < count; ++i) values[i] = __builtin_fmaf(summands[i], factor, values[i]);
}

}  // namespace
}  // namespace imagined::engine
