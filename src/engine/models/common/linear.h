// A linear layer with a bias, as FLUX.1's networks have them everywhere.
#pragma once

#include <initializer_list>
#include <string>

#include "base/result.h"
#include "engine/models/common/weight_loader.h"
#include "engine/ops/matmul/matmul.h"

namespace imagined::engine {

struct Linear {
  MatmulWeight weight;  // [n, k]
  Vector bias;          // [n]

  bool empty() const { return weight.empty(); }
};

/// The rows of all parts one below the other, as WeightLoader::linear; the names of the parts come
/// without their end, `.weight` and `.bias`.
Result<Linear> load_linear(WeightLoader& weights, std::initializer_list<LinearPart> parts,
                           std::int64_t cols);

/// The same for a layer inside a transformer's blocks (NumberFormat::block_weights).
Result<Linear> load_block_linear(WeightLoader& weights, std::initializer_list<LinearPart> parts,
                                 std::int64_t cols);

/// matmul() with the layer's bias.
void apply(const Context& context, ConstMatrixView x, const Linear& layer, MatrixView out,
           MatmulEpilogue epilogue = {});

/// Two layers with SiLU between them: how FLUX.1 embeds noise level, guidance and pooled prompt.
struct EmbeddingMlp {
  Linear in, out;
};

/// `name`.linear_1 and `name`.linear_2.
Result<EmbeddingMlp> load_embedding_mlp(WeightLoader& weights, const std::string& name,
                                        std::int64_t in, std::int64_t width);

/// out = silu(x . in) . out, added to what `out` holds if asked; x and out f32.
void apply(const Context& context, ConstMatrixView x, const EmbeddingMlp& mlp, MatrixView out,
           bool accumulate);

}  // namespace imagined::engine
