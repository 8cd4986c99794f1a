#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/ops/resize/resize_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include "engine/ops/resize/resize_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::int32_t kHalf = 1 << (kLanczosBits - 1);

/// Sums in 32 bits are exact and wrap nowhere: the weights of a window sum to 2^22 and their
/// absolute values to less than 2^23, times 255.
template <class D, class V>
HWY_INLINE void store_rounded(D, V sum, std::uint8_t* to) {
  const hn::Rebind<std::uint8_t, D> du8;
  hn::StoreU(hn::DemoteTo(du8, hn::ShiftRight<kLanczosBits>(sum)), du8, to);
}

void resample_row(const std::uint8_t* from, const LanczosWeights& weights, int channels,
                  std::uint8_t* to) {
  const hn::CappedTag<std::int32_t, 4> d;  // the channels of one pixel
  const hn::Rebind<std::uint8_t, decltype(d)> du8;
  const auto places = static_cast<int>(weights.first.size());
  for (int x = 0; x < places; ++x, to += channels) {
    const LanczosWeights::Window window = weights.window(x);
    for (std::size_t c = 0; c < static_cast<std::size_t>(channels); c += hn::Lanes(d)) {
      const std::uint8_t* pixel = from + 4 * static_cast<std::size_t>(window.first) + c;
      auto sum = hn::Set(d, kHalf);
      for (int k = 0; k < window.count; ++k, pixel += 4) {
        const auto value = hn::PromoteTo(d, hn::LoadU(du8, pixel));
        sum = hn::Add(sum, hn::Mul(value, hn::Set(d, window.weights[k])));
      }
      store_rounded(d, sum, to + c);
    }
  }
}

/// kVectors vectors side by side, so that a weight is broadcast once for all of them.
template <int kVectors>
HWY_INLINE void blend_columns(const std::uint8_t* from, std::size_t stride,
                              const LanczosWeights::Window& window, std::uint8_t* to) {
  const hn::ScalableTag<std::int32_t> d;
  const hn::Rebind<std::uint8_t, decltype(d)> du8;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(d)> sums[kVectors];
  for (auto& sum : sums) sum = hn::Set(d, kHalf);
  for (int k = 0; k < window.count; ++k, from += stride) {
    const auto weight = hn::Set(d, window.weights[k]);
    for (std::size_t v = 0; v < kVectors; ++v) {
      const auto value = hn::PromoteTo(d, hn::LoadU(du8, from + v * lanes));
      sums[v] = hn::Add(sums[v], hn::Mul(value, weight));
    }
  }
  for (std::size_t v = 0; v < kVectors; ++v) store_rounded(d, sums[v], to + v * lanes);
}

void blend_rows(const std::uint8_t* from, std::size_t stride, const LanczosWeights::Window& window,
                std::size_t row_bytes, std::uint8_t* to) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<std::int32_t>());
  from += static_cast<std::size_t>(window.first) * stride;
  std::size_t i = 0;
  for (; i + 4 * lanes <= row_bytes; i += 4 * lanes) {
    blend_columns<4>(from + i, stride, window, to + i);
  }
  for (; i + lanes <= row_bytes; i += lanes) blend_columns<1>(from + i, stride, window, to + i);
  if (i == row_bytes) return;
  if (row_bytes >= lanes) {  // once more, overlapping what is done
    i = row_bytes - lanes;
    return blend_columns<1>(from + i, stride, window, to + i);
  }
  for (; i < row_bytes; ++i) {
    std::int32_t sum = kHalf;
    for (int k = 0; k < window.count; ++k) {
      sum += from[static_cast<std::size_t>(k) * stride + i] * window.weights[k];
    }
    sum >>= kLanczosBits;
    to[i] = static_cast<std::uint8_t>(sum < 0 ? 0 : sum > 255 ? 255 : sum);
  }
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(resample_row);
HWY_EXPORT(blend_rows);

void resample_row_cpu(const std::uint8_t* from, const LanczosWeights& weights, int channels,
                      std::uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(resample_row)(from, weights, channels, to);
}

void blend_rows_cpu(const std::uint8_t* from, std::size_t stride,
                    const LanczosWeights::Window& window, std::size_t row_bytes, std::uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(blend_rows)(from, stride, window, row_bytes, to);
}

}  // namespace imagined::engine
#endif
