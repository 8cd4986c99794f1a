#pragma once

#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// layer_norm_modulate() and layer_norm() on one thread, for shapes that were checked.
void layer_norm_modulate_cpu(ConstMatrixView x, const float* shift, const float* scale,
                             float epsilon, MatrixView out);
void layer_norm_cpu(ConstMatrixView x, const float* weight, const float* bias, float epsilon,
                    MatrixView out);

}  // namespace imagined::engine
