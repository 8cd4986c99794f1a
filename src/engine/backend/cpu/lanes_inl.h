// Rows of f32 or bf16 as vectors of f32: loads, stores and sums for rows of any length.
//
// Compiled once per instruction set (Highway's foreach_target), hence the toggling guard. For
// *_cpu.cpp files only.
#if defined(IMAGINED_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGINED_LANES_INL_H_
#undef IMAGINED_LANES_INL_H_
#else
#define IMAGINED_LANES_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstring>

#include "engine/tensor/dtype.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::ScalableTag<float>;
using Floats = hn::Vec<Lanes>;
using Bits = hn::Vec<hn::RebindToUnsigned<Lanes>>;

/// The 32-bit patterns of bf16 values: the rounded value is in the upper half of each lane.
/// To nearest, ties to even; NaN stays NaN. Same as to_bf16().
HWY_INLINE Bits rounded_bf16_bits(Floats value) {
  const Lanes d;
  const hn::RebindToUnsigned<Lanes> du;
  const Bits bits = hn::BitCast(du, value);
  const Bits odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const Bits rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fffu)));
  const Bits quiet = hn::Or(bits, hn::Set(du, 0x400000u));
  return hn::BitCast(
      du, hn::IfThenElse(hn::IsNaN(value), hn::BitCast(d, quiet), hn::BitCast(d, rounded)));
}

HWY_INLINE Floats load(const float* from) { return hn::LoadU(Lanes(), from); }
HWY_INLINE Floats load(const Bf16* from) {
  const hn::RebindToUnsigned<Lanes> du;
  const hn::Rebind<std::uint16_t, Lanes> du16;
  const auto halves = hn::LoadU(du16, reinterpret_cast<const std::uint16_t*>(from));
  return hn::BitCast(Lanes(), hn::ShiftLeft<16>(hn::PromoteTo(du, halves)));
}

HWY_INLINE Floats load(const hwy::float16_t* from) {
#if HWY_TARGET == HWY_SCALAR  // Highway's own makes 65536 of infinity
  std::uint16_t bits;
  std::memcpy(&bits, from, sizeof(bits));
  return hn::Set(Lanes(), half_to_float(bits));
#else
  return hn::PromoteTo(Lanes(), hn::LoadU(hn::Rebind<hwy::float16_t, Lanes>(), from));
#endif
}

HWY_INLINE void store(Floats value, float* to) { hn::StoreU(value, Lanes(), to); }
HWY_INLINE void store(Floats value, Bf16* to) {
  const hn::Rebind<std::uint16_t, Lanes> du16;
  const auto upper = hn::ShiftRight<16>(rounded_bf16_bits(value));
  hn::StoreU(hn::TruncateTo(du16, upper), du16, reinterpret_cast<std::uint16_t*>(to));
}

/// Two vectors, one after the other.
HWY_INLINE void store_two(Floats first, Floats second, float* to) {
  store(first, to);
  store(second, to + hn::Lanes(Lanes()));
}
HWY_INLINE void store_two(Floats first, Floats second, Bf16* to) {
#if HWY_TARGET == HWY_SCALAR  // has no second lane to join with
  store(first, to);
  store(second, to + 1);
#else
  const hn::Repartition<std::uint16_t, Lanes> du16;
  const auto halves = hn::ConcatOdd(du16, hn::BitCast(du16, rounded_bf16_bits(second)),
                                    hn::BitCast(du16, rounded_bf16_bits(first)));
  hn::StoreU(halves, du16, reinterpret_cast<std::uint16_t*>(to));
#endif
}

/// The first `count` elements; the other lanes are zero and their memory is not touched.
template <class T>
HWY_INLINE Floats load(const T* from, std::size_t count) {
  if (HWY_LIKELY(count >= hn::Lanes(Lanes()))) return load(from);
  alignas(64) T part[hn::MaxLanes(Lanes())] = {};
  std::memcpy(part, from, count * sizeof(T));
  return load(part);
}

template <class T>
HWY_INLINE void store(Floats value, T* to, std::size_t count) {
  if (HWY_LIKELY(count >= hn::Lanes(Lanes()))) return store(value, to);
  alignas(64) T part[hn::MaxLanes(Lanes())];
  store(value, part);
  std::memcpy(to, part, count * sizeof(T));
}

/// Elements 2i and 2i + 1 of `count` pairs in two vectors; lanes beyond are zero.
HWY_INLINE void load_pairs(const float* from, std::size_t count, Floats& even, Floats& odd) {
  if (HWY_LIKELY(count >= hn::Lanes(Lanes()))) {
    return hn::LoadInterleaved2(Lanes(), from, even, odd);
  }
  alignas(64) float part[2 * hn::MaxLanes(Lanes())] = {};
  std::memcpy(part, from, 2 * count * sizeof(float));
  hn::LoadInterleaved2(Lanes(), part, even, odd);
}
HWY_INLINE void load_pairs(const Bf16* from, std::size_t count, Floats& even, Floats& odd) {
  const hn::RebindToUnsigned<Lanes> du;
  Bits pairs;
  if (HWY_LIKELY(count >= hn::Lanes(Lanes()))) {
    pairs = hn::LoadU(du, reinterpret_cast<const std::uint32_t*>(from));
  } else {
    alignas(64) std::uint32_t part[hn::MaxLanes(Lanes())] = {};
    std::memcpy(part, from, count * sizeof(std::uint32_t));
    pairs = hn::Load(du, part);
  }
  even = hn::BitCast(Lanes(), hn::ShiftLeft<16>(pairs));
  odd = hn::BitCast(Lanes(), hn::And(pairs, hn::Set(du, 0xffff0000u)));
}

HWY_INLINE void store_pairs(Floats even, Floats odd, float* to, std::size_t count) {
  if (HWY_LIKELY(count >= hn::Lanes(Lanes()))) {
    return hn::StoreInterleaved2(even, odd, Lanes(), to);
  }
  alignas(64) float part[2 * hn::MaxLanes(Lanes())];
  hn::StoreInterleaved2(even, odd, Lanes(), part);
  std::memcpy(to, part, 2 * count * sizeof(float));
}
HWY_INLINE void store_pairs(Floats even, Floats odd, Bf16* to, std::size_t count) {
  const hn::RebindToUnsigned<Lanes> du;
  const Bits pairs = hn::Or(hn::ShiftRight<16>(rounded_bf16_bits(even)),
                            hn::And(rounded_bf16_bits(odd), hn::Set(du, 0xffff0000u)));
  if (HWY_LIKELY(count >= hn::Lanes(Lanes()))) {
    return hn::StoreU(pairs, du, reinterpret_cast<std::uint32_t*>(to));
  }
  alignas(64) std::uint32_t part[hn::MaxLanes(Lanes())];
  hn::Store(pairs, du, part);
  std::memcpy(to, part, count * sizeof(std::uint32_t));
}

/// body(first, count) for each vector of a row; count is below a full vector only in the last call.
template <class Body>
HWY_INLINE void for_vectors(std::size_t length, const Body& body) {
  const std::size_t full = hn::Lanes(Lanes());
  std::size_t i = 0;
  for (; i + full <= length; i += full) body(i, full);
  if (i < length) body(i, length - i);
}

/// out[i] = value(first, count) for the vectors of a row, two at a time: a pair of them makes one
/// full vector of bf16.
template <class Out, class Value>
HWY_INLINE void write_row(std::size_t length, Out* out, const Value& value) {
  const std::size_t full = hn::Lanes(Lanes());
  std::size_t i = 0;
  for (; i + 2 * full <= length; i += 2 * full) {
    const Floats first = value(i, full);
    store_two(first, value(i + full, full), out + i);
  }
  for (; i < length; i += full) {
    const std::size_t count = i + full <= length ? full : length - i;
    store(value(i, count), out + i, count);
  }
}

/// The sum over a row of what `add(sum, first, count)` adds lane by lane, in four sums to hide the
/// latency of an addition. Lanes at and after `count` are ignored.
template <class Add>
HWY_INLINE float sum_row(std::size_t length, const Add& add) {
  const Lanes d;
  const std::size_t full = hn::Lanes(d);
  Floats sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * full <= length; i += 4 * full) {
    sum0 = add(sum0, i, full);
    sum1 = add(sum1, i + full, full);
    sum2 = add(sum2, i + 2 * full, full);
    sum3 = add(sum3, i + 3 * full, full);
  }
  for (; i + full <= length; i += full) sum0 = add(sum0, i, full);
  if (i < length) {
    const std::size_t rest = length - i;
    sum1 = hn::IfThenElse(hn::FirstN(d, rest), add(sum1, i, rest), sum1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
}

}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggling guard
