// The vectors that steer the blocks of a FLUX.2 transformer at one noise level.
#pragma once

#include <cstdint>

#include "engine/tensor/matrix.h"

namespace imagined::engine {

// Sizes of the parts of one row of `Flux2::modulation`, in units of the width D.
inline constexpr std::int64_t kFlux2DoubleParts = 6;
inline constexpr std::int64_t kFlux2SingleParts = 3;
inline constexpr std::int64_t kFlux2OutputParts = 2;
inline constexpr std::int64_t kFlux2AllParts =
    2 * kFlux2DoubleParts + kFlux2SingleParts + kFlux2OutputParts;

/// The vectors of each block kind in one row.
struct Flux2Modulation {
  struct Branch {
    ConstMatrixView shift, scale, gate;  // [1, D]
  };
  Branch image[2];  // attention, MLP
  Branch text[2];
  Branch single;
  ConstMatrixView out_shift, out_scale;

  /// row  [1, 17 D] f32.
  explicit Flux2Modulation(ConstMatrixView row) {
    const std::int64_t d = row.cols / kFlux2AllParts;
    const auto vector = [&](std::int64_t part) { return row.col_range(part * d, d); };
    const auto branch = [&](std::int64_t part) {
      return Branch{vector(part), vector(part + 1), vector(part + 2)};
    };
    for (int i = 0; i < 2; ++i) {
      image[i] = branch(3 * i);
      text[i] = branch(kFlux2DoubleParts + 3 * i);
    }
    single = branch(2 * kFlux2DoubleParts);
    // Canonical names follow diffusers: scale first (flux.md 2.8).
    out_scale = vector(2 * kFlux2DoubleParts + kFlux2SingleParts);
    out_shift = vector(2 * kFlux2DoubleParts + kFlux2SingleParts + 1);
  }
};

}  // namespace imagined::engine
