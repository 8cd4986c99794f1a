#include "engine/models/common/linear.h"

#include "engine/ops/swiglu/swiglu.h"

namespace imagined::engine {

namespace {

std::vector<LinearPart> with_ending(std::initializer_list<LinearPart> parts,
                                    std::string_view ending) {
  std::vector<LinearPart> out(parts);
  for (LinearPart& part : out) part.name += ending;
  return out;
}

}  // namespace

Result<Linear> load_linear(WeightLoader& weights, std::initializer_list<LinearPart> parts,
                           std::int64_t cols) {
  Linear layer;
  layer.bias = TRY(weights.vector(with_ending(parts, ".bias")));
  layer.weight = TRY(weights.linear(with_ending(parts, ".weight"), cols));
  return layer;
}

Result<Linear> load_block_linear(WeightLoader& weights, std::initializer_list<LinearPart> parts,
                                 std::int64_t cols) {
  Linear layer;
  layer.bias = TRY(weights.vector(with_ending(parts, ".bias")));
  layer.weight = TRY(weights.block_linear(with_ending(parts, ".weight"), cols));
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
