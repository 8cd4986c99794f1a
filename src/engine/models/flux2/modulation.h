// The vectors that steer the blocks of a FLUX.2 transformer at one noise level.
#pragma once

#include <cstdint>

namespace imagined::engine {

// Sizes of the parts of one row of `Flux2::modulation`, in units of the width D.
inline constexpr std::int64_t kFlux2DoubleParts = 6;
inline constexpr std::int64_t kFlux2SingleParts = 3;
inline constexpr std::int64_t kFlux2OutputParts = 2;
inline constexpr std::int64_t kFlux2AllParts =
    2 * kFlux2DoubleParts + kFlux2SingleParts + kFlux2OutputParts;

/// Where the vectors [D] of each block kind lie in one row [17 D].
struct Flux2Modulation {
  struct Branch {
    const float* shift;
    const float* scale;
    const float* gate;
  };
  Branch image[2];  // attention, MLP
  Branch text[2];
  Branch single;
  const float* out_shift;
  const float* out_scale;

  Flux2Modulation(const float* row, std::int64_t d) {
    const auto branch = [&](std::int64_t part) {
      return Branch{row + part * d, row + (part + 1) * d, row + (part + 2) * d};
    };
    for (int i = 0; i < 2; ++i) {
      image[i] = branch(3 * i);
      text[i] = branch(kFlux2DoubleParts + 3 * i);
    }
    single = branch(2 * kFlux2DoubleParts);
    // Canonical names follow diffusers: scale first (flux.md 2.8).
    out_scale = row + (2 * kFlux2DoubleParts + kFlux2SingleParts) * d;
    out_shift = out_scale + d;
  }
};

}  // namespace imagined::engine
