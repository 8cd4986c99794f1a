#pragma once

#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// swiglu() and silu() on one thread, for shapes that were checked.
void swiglu_cpu(ConstMatrixView u, MatrixView out);
void silu_cpu(ConstMatrixView x, MatrixView out);

}  // namespace imagined::engine
