// How fast a product of a transformer's size is on this machine.
#pragma once

#include "engine/backend/context.h"
#include "engine/tensor/weight_format.h"

namespace imagined::engine {

/// GFLOP/s of 512 rows by 3072 x 3072 weights in bf16, which are packed within the product as in a
/// step: the best of three.
///
/// format       that the tiles multiply in.
/// activations  what the rows hold.
/// seconds_now  any steady clock.
double product_gflops(const Context& context, WeightFormat format, DType activations,
                      double (*seconds_now)());

}  // namespace imagined::engine
