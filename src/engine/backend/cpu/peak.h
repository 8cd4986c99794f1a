// How fast this machine's registers can multiply when nothing is loaded or stored: what every share
// of a peak is a share of.
#pragma once

#include "engine/backend/context.h"

namespace imagined::engine {

/// 10^9 operations per second of all threads of the pool together; a multiplication with its
/// addition counts as two. 0 where the machine has no such instruction.
struct PeakRates {
  double f32 = 0;       // fused multiply-add, widest vectors
  double f32_avx2 = 0;  // the same with 256-bit vectors
  double bf16 = 0;      // VDPBF16PS, or TDPBF16PS where there are tile registers
  double int8 = 0;      // VPDPBUSD, or TDPBSSD likewise
};

/// Takes the best of a few short runs of each kind, about half a second in all.
/// `now_seconds` is any steady clock.
PeakRates measure_peaks(const Context& context, double (*now_seconds)());

}  // namespace imagined::engine
