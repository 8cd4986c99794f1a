#include "engine/models/common/linear.h"

#include "engine/ops/swiglu/swiglu.h"

namespace imagined::engine {

Result<Linear> load_linear(WeightLoader& weights, std::initializer_list<LinearPart> parts,
                           std::int64_t cols) {
  std::vector<LinearPart> matrices;
  std::vector<LinearPart> biases;
  for (const LinearPart& part : parts) {
    matrices.push_back(part);
    matrices.back().name += ".weight";
    biases.push_back(part);
    biases.back().name += ".bias";
  }
  Linear layer;
  layer.bias = TRY(weights.vector(biases));
  layer.weight = TRY(weights.linear(matrices, cols));
  return layer;
}

void apply(const Context& context, ConstMatrixView x, const Linear& layer, MatrixView out,
           MatmulEpilogue epilogue) {
  epilogue.bias = layer.bias;
  matmul(context, x, layer.weight, out, epilogue);
}

Result<EmbeddingMlp> load_embedding_mlp(WeightLoader& weights, const std::string& name,
                                        std::int64_t in, std::int64_t width) {
  EmbeddingMlp mlp;
  mlp.in = TRY(load_linear(weights, {{name + ".linear_1", width}}, in));
  mlp.out = TRY(load_linear(weights, {{name + ".linear_2", width}}, width));
  return mlp;
}

void apply(const Context& context, ConstMatrixView x, const EmbeddingMlp& mlp, MatrixView out,
           bool accumulate) {
  Tensor inner(x.rows, mlp.in.weight.n());
  apply(context, x, mlp.in, inner);
  silu(context, inner, inner);
  apply(context, inner, mlp.out, out, {.accumulate = accumulate});
}

}  // namespace imagined::engine
