// Scaled dot-product attention that never stores the whole score matrix.
#pragma once

#include <limits>

#include "engine/backend/context.h"

namespace imagined::engine {

struct AttentionOptions {
  std::int64_t head_dim = 0;
  float scale = 0;      // > 0, multiplies q . k; usually 1 / sqrt(head_dim)
  bool causal = false;  // query row i sees keys 0..i only
  std::int64_t key_count =
      std::numeric_limits<std::int64_t>::max();  // keys from here on are padding
  /// [q heads, tq + tk - 1] f32, or empty: [h][tq - 1 + j - i] is added to the scaled score of
  /// query i and key j (T5's relative positions).
  ConstMatrixView relative_bias;
};

/// out[i][h] = sum_j softmax_j(scale * q[i][h] . k[j][g] + bias) * v[j][g],
///             g = h / (q heads / kv heads)
///
/// q    [tq, hq * head_dim]   f32 or bf16, head after head.
/// k, v [tk, hkv * head_dim]  same dtype as q; hq is a multiple of hkv. All three may be column
///                            ranges of one fused matrix.
/// out  [tq, hq * head_dim]   f32 or bf16.
/// With both `causal` and `key_count`, query i sees keys j < min(i + 1, key_count): a query that is
/// padding itself sees all real keys.
/// With bf16 inputs and a bf16 product in the machine, the weights are rounded to bf16 before they
/// meet the values; with f32 inputs everything is f32.
/// Softmax and sums in f32 with a running maximum (Milakov and Gimelshein 2018; Dao et al. 2022).
/// Any number of threads gives the same bytes.
void attention(const Context& context, ConstMatrixView q, ConstMatrixView k, ConstMatrixView v,
               const AttentionOptions& options, MatrixView out);

/// The slow twin, in double.
void attention_reference(ConstMatrixView q, ConstMatrixView k, ConstMatrixView v,
                         const AttentionOptions& options, MatrixView out);

}  // namespace imagined::engine
