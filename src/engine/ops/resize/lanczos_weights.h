// The fixed-point weights of one pass of a resampling.
#pragma once

#include <cstdint>
#include <vector>

namespace imagined::engine {

inline constexpr int kLanczosBits = 22;  // 8 bits of pixel, 22 of weight, 2 for sign and overshoot

/// For each place of the result: which places of the source it sees, and how much of each.
struct LanczosWeights {
  struct Window {
    int first = 0;  // in the source
    int count = 0;
    const std::int32_t* weights = nullptr;  // [count], unit 2^-22
  };
  int taps = 0;  // weights kept per place
  std::vector<int> first;
  std::vector<int> count;
  std::vector<std::int32_t> weights;  // [places, taps]

  Window window(int place) const {
    const auto i = static_cast<std::size_t>(place);
    return {first[i], count[i], weights.data() + i * static_cast<std::size_t>(taps)};
  }
};

/// Lanczos-3 from `in_size` to `out_size` places; when shrinking the kernel is widened by the
/// ratio. In double, normalised to a sum of 1, rounded half away from zero: Pillow,
/// `precompute_coeffs` and `normalize_coeffs_8bpc`, to the bit.
LanczosWeights make_lanczos_weights(int in_size, int out_size);

}  // namespace imagined::engine
