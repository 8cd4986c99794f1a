// How long a picture will take, from a small one that was measured.
#pragma once

#include "engine/lab/lab.h"

namespace imagined::cli {

/// Seconds of a picture of `pixels` with `steps` steps, from a bench of one step at `bench_pixels`.
/// A step's work grows with its tokens, those of the prompt included; that of decoding with the
/// pixels. Attention grows faster, so for large pictures the estimate is low.
double estimate_seconds(const engine::BenchReport& bench, double bench_pixels, double pixels,
                        int steps);

}  // namespace imagined::cli
