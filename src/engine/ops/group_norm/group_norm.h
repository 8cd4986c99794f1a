#pragma once

#include <cstdint>
#include <vector>

#include "engine/backend/context.h"

namespace imagined::engine {

struct GroupNormOptions {
  std::int64_t groups = 1;
  float epsilon = 1e-6f;
  bool silu = false;  // apply x / (1 + exp(-x)) to the result
};

/// Group normalisation of a picture over (height, width, channels of the group), then SiLU if
/// asked.
///
/// in            [h, w, c]  f32 or bf16; channels of a group are neighbours.
/// weight, bias  [1, c]     f32.
/// out           [h, w, c]  f32 or bf16; may be `in` when f32.
/// Statistics by fixed blocks of rows summed in double, so that the number of threads does not
/// matter and a 1024 x 1024 picture stays exact to f32 (a plain f32 sum is off by 3e-4 there:
/// flux.md 3.4).
void group_norm(const Context& context, ConstImageView in, ConstMatrixView weight,
                ConstMatrixView bias, const GroupNormOptions& options, ImageView out);

/// The same in two steps: the statistics of a whole picture, and then any of its pixels.
class GroupNorm {
 public:
  GroupNorm(const Context& context, ConstImageView picture, ConstMatrixView weight,
            ConstMatrixView bias, const GroupNormOptions& options);

  /// in   [n, c]  some pixels of that picture.
  /// out  [n, c]  f32 or bf16; may be `in` when f32.
  void apply(const Context& context, ConstMatrixView in, MatrixView out) const;

 private:
  std::vector<float> scale_;  // of each channel: statistics, weight and bias in one factor
  std::vector<float> shift_;  // and one summand
  bool silu_ = false;
};

void group_norm_reference(ConstImageView in, ConstMatrixView weight, ConstMatrixView bias,
                          const GroupNormOptions& options, ImageView out);

}  // namespace imagined::engine
