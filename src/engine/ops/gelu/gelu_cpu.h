#pragma once

#include "engine/ops/gelu/gelu.h"

namespace imagined::engine {

/// gelu() and gated_gelu() on one thread, for shapes that were checked.
void gelu_cpu(ConstMatrixView x, Gelu kind, MatrixView out);
void gated_gelu_cpu(ConstMatrixView u, MatrixView out);

}  // namespace imagined::engine
