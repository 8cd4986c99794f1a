#pragma once

#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// rms_norm() on one thread, for shapes that were checked.
void rms_norm_cpu(ConstMatrixView x, const float* weight, float epsilon, MatrixView out);

/// The same of rms_norm_silu().
void rms_norm_silu_cpu(ConstMatrixView x, const float* weight, float epsilon, MatrixView out);

}  // namespace imagined::engine
