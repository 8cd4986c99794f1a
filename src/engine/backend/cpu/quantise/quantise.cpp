#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/backend/cpu/quantise/quantise.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <bit>
#include <limits>

#include "engine/backend/cpu/lanes_inl.h"
#include "engine/backend/cpu/quantise/quantise.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {

constexpr float kSmallestMagnitude = 0x1p-119f;  // 127 / that is still finite

/// The bits of the largest magnitude; those of NaN and of infinity are above all others.
template <class T>
std::uint32_t largest_bits(const T* in, std::size_t count) {
  const hn::RebindToSigned<Lanes> di;
  auto largest = hn::Zero(di);
  auto other = hn::Zero(di);
  const auto magnitude = [&](Floats value) HWY_ATTR {
    return hn::And(hn::BitCast(di, value), hn::Set(di, 0x7fffffff));
  };
  const std::size_t lanes = hn::Lanes(di);
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    largest = hn::Max(largest, magnitude(load(in + i)));
    other = hn::Max(other, magnitude(load(in + i + lanes)));
  }
  for (; i < count; i += lanes) largest = hn::Max(largest, magnitude(load(in + i, count - i)));
  return static_cast<std::uint32_t>(hn::GetLane(hn::MaxOfLanes(di, hn::Max(largest, other))));
}

template <class T>
Quantised quantise_row(const T* in, std::size_t count, Levels levels, std::uint8_t* out,
                       std::span<const std::byte> next) {
  const hn::RebindToSigned<Lanes> di;
  const hn::Rebind<std::int8_t, Lanes> d8;
  const auto whole_max = static_cast<float>(levels.largest);
  const float largest = std::bit_cast<float>(largest_bits(in, count));
  const bool finite = largest <= std::numeric_limits<float>::max();
  const bool whole = finite && largest >= kSmallestMagnitude;
  const float inverse = whole ? whole_max / largest : 0;
  const auto lowest_bits = hn::Set(di, finite ? -1 : 0);  // NaN times 0 would not be 0
  const auto flip = hn::Set(d8, static_cast<std::int8_t>(levels.zero_point));
  auto sum = hn::Zero(di);
  const auto rounded = [&](Floats value) HWY_ATTR {
    return hn::And(hn::NearestInt(hn::Mul(value, hn::Set(Lanes(), inverse))), lowest_bits);
  };
  const std::size_t lanes = hn::Lanes(di);
  auto* const to = reinterpret_cast<std::int8_t*>(out);
  // A line or less at each turn.
  const std::size_t ahead = count == 0 ? 0 : next.size() * lanes / count;
  const std::byte* asked = next.data();
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes, asked += ahead) {
    const auto numbers = rounded(load(in + i));
    if (ahead > 0) hwy::Prefetch(asked);
    sum = hn::Add(sum, numbers);
    hn::StoreU(hn::Xor(hn::DemoteTo(d8, numbers), flip), d8, to + i);
  }
  if (i < count) {
    const auto numbers = rounded(load(in + i, count - i));
    sum = hn::Add(sum, numbers);
    alignas(64) std::int8_t part[hn::MaxLanes(d8)];
    hn::StoreU(hn::Xor(hn::DemoteTo(d8, numbers), flip), d8, part);
    std::memcpy(to + i, part, count - i);
  }
  return {.factor =
              finite ? (whole ? largest / whole_max : 0) : std::numeric_limits<float>::quiet_NaN(),
          .sum = hn::GetLane(hn::SumOfLanes(di, sum))};
}

Quantised quantise_f32(const float* in, std::int64_t count, Levels levels, std::uint8_t* out,
                       std::span<const std::byte> next) {
  return quantise_row(in, static_cast<std::size_t>(count), levels, out, next);
}
Quantised quantise_bf16(const Bf16* in, std::int64_t count, Levels levels, std::uint8_t* out,
                        std::span<const std::byte> next) {
  return quantise_row(in, static_cast<std::size_t>(count), levels, out, next);
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(quantise_f32);
HWY_EXPORT(quantise_bf16);

Quantised quantise(const float* in, std::int64_t count, Levels levels, std::uint8_t* out,
                   std::span<const std::byte> next) {
  return HWY_DYNAMIC_DISPATCH(quantise_f32)(in, count, levels, out, next);
}
Quantised quantise(const Bf16* in, std::int64_t count, Levels levels, std::uint8_t* out,
                   std::span<const std::byte> next) {
  return HWY_DYNAMIC_DISPATCH(quantise_bf16)(in, count, levels, out, next);
}

}  // namespace imagined::engine
#endif
