#pragma once

#include "engine/ops/rope/rope.h"

namespace imagined::engine {

/// head_norm_rope() on one thread for tokens first .. first + x.rows - 1 of the table, for shapes
/// that were checked; without a weight rope_heads().
void head_norm_rope_cpu(MatrixView x, std::int64_t head_dim, const float* weight, float epsilon,
                        const RopeRows& table, std::int64_t first, RopeLayout layout);

}  // namespace imagined::engine
