#include "engine/models/clip/clip_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/models/common/embed_tokens.h"
#include "engine/ops/attention/attention.h"
#include "engine/ops/convert/convert.h"
#include "engine/ops/gelu/gelu.h"
#include "engine/ops/layer_norm/layer_norm.h"

namespace imagined::engine {

struct ClipText::Rows {
  Tensor hidden;  // [tokens, hidden_size] f32, the residual stream
  Tensor normed;  // [tokens, hidden_size]
  Tensor qkv;     // [tokens, 3 * hidden_size]
  Tensor mixed;   // [tokens, hidden_size]
  Tensor inner;   // [tokens, ffn_size]
};

Result<ClipText::Norm> ClipText::load_norm(WeightLoader& weights, const std::string& name,
                                           std::int64_t size) {
  Norm norm;
  norm.weight = TRY(weights.vector(name + ".weight", size));
  norm.bias = TRY(weights.vector(name + ".bias", size));
  return norm;
}

Result<ClipText::Layer> ClipText::load_layer(WeightLoader& weights, const ClipConfig& config,
                                             std::int64_t index) {
  const std::string at = fmt::format("text_model.encoder.layers.{}.", index);
  const std::string attention = at + "self_attn.";
  const std::int64_t hidden = config.hidden_size;
  Layer layer;
  layer.attention_norm = TRY(load_norm(weights, at + "layer_norm1", hidden));
  layer.mlp_norm = TRY(load_norm(weights, at + "layer_norm2", hidden));
  layer.qkv = TRY(load_linear(weights,
                              {{attention + "q_proj", hidden},
                               {attention + "k_proj", hidden},
                               {attention + "v_proj", hidden}},
                              hidden));
  layer.output = TRY(load_linear(weights, {{attention + "out_proj", hidden}}, hidden));
  layer.up = TRY(load_linear(weights, {{at + "mlp.fc1", config.ffn_size}}, hidden));
  layer.down = TRY(load_linear(weights, {{at + "mlp.fc2", hidden}}, config.ffn_size));
  return layer;
}

Result<ClipText> ClipText::load(WeightLoader& weights, const ClipConfig& config) {
  const std::string embeddings = "text_model.embeddings.";
  const std::int64_t hidden = config.hidden_size;
  ClipText model;
  model.config_ = config;
  model.format_ = weights.format();
  model.embedding_ =
      TRY(weights.mapped_matrix(embeddings + "token_embedding.weight", config.vocab_size, hidden));
  const MappedMatrix positions = TRY(
      weights.mapped_matrix(embeddings + "position_embedding.weight", config.positions, hidden));
  model.positions_ = Tensor(config.positions, hidden);
  for (std::int64_t i = 0; i < config.positions; ++i) {
    positions.read_row(i, model.positions_.view().row_range(i, 1));
  }
  for (std::int64_t i = 0; i < config.layers; ++i) {
    model.layers_.push_back(TRY(load_layer(weights, config, i)));
  }
  model.final_norm_ = TRY(load_norm(weights, "text_model.final_layer_norm", hidden));
  return model;
}

/// How many tokens there are up to and with the first end token.
Result<std::int64_t> ClipText::tokens_to_end(std::span<const std::int32_t> ids) const {
  const auto end = config_.end_token.has_value()
                       ? std::find(ids.begin(), ids.end(), *config_.end_token)
                       : std::max_element(ids.begin(), ids.end());
  if (end == ids.end()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("no end token among the {} of a prompt", ids.size()));
  }
  return end - ids.begin() + 1;
}

Result<Tensor> ClipText::embed(const Context& context, std::span<const std::int32_t> ids) const {
  const auto tokens = static_cast<std::int64_t>(ids.size());
  if (tokens > config_.positions) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} tokens, {} allowed", tokens, config_.positions));
  }
  Tensor hidden = TRY(embed_tokens(embedding_, {config_.vocab_size, config_.hidden_size}, ids));
  add_scaled(context, positions_.view().row_range(0, tokens), 1.0f, hidden);
  return hidden;
}

void ClipText::run_layer(const Context& context, const Layer& layer, Rows& rows) const {
  const std::int64_t width = config_.hidden_size;
  const std::int64_t head_dim = width / config_.heads;
  const auto epsilon = static_cast<float>(config_.norm_epsilon);
  const auto norm = [&](const Norm& weights) {
    layer_norm(context, rows.hidden, weights.weight, weights.bias, epsilon, rows.normed);
  };
  norm(layer.attention_norm);
  apply(context, rows.normed, layer.qkv, rows.qkv);
  const MatrixView qkv = rows.qkv.view();
  attention(context, qkv.col_range(0, width), qkv.col_range(width, width),
            qkv.col_range(2 * width, width),
            {.head_dim = head_dim,
             .scale = 1.0f / std::sqrt(static_cast<float>(head_dim)),
             .causal = true},
            rows.mixed);
  apply(context, rows.mixed, layer.output, rows.hidden, {.accumulate = true});

  norm(layer.mlp_norm);
  apply(context, rows.normed, layer.up, rows.inner);
  gelu(context, rows.inner, Gelu::quick, rows.inner);
  apply(context, rows.inner, layer.down, rows.hidden, {.accumulate = true});
}

Result<Vector> ClipText::encode(const Context& context, std::span<const std::int32_t> ids,
                                const std::stop_token& stop) const {
  const std::int64_t tokens = TRY(tokens_to_end(ids));
  const std::int64_t width = config_.hidden_size;
  const DType act = format_.activations;
  Rows rows{.hidden = TRY(embed(context, ids.first(static_cast<std::size_t>(tokens)))),
            .normed = Tensor(tokens, width, act),
            .qkv = Tensor(tokens, 3 * width, act),
            .mixed = Tensor(tokens, width, act),
            .inner = Tensor(tokens, config_.ffn_size, act)};
  for (const Layer& layer : layers_) {
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
    run_layer(context, layer, rows);
  }
  Vector pooled(width);
  layer_norm(context, rows.hidden.view().row_range(tokens - 1, 1), final_norm_.weight,
             final_norm_.bias, static_cast<float>(config_.norm_epsilon), pooled);
  return pooled;
}

double ClipText::flop(std::int64_t tokens) const {
  const auto t = static_cast<double>(tokens);
  const auto width = static_cast<double>(config_.hidden_size);
  const double per_token = width * (4 * width + 2 * static_cast<double>(config_.ffn_size));
  return static_cast<double>(layers_.size()) * (2 * t * per_token + 4 * t * t * width);
}

}  // namespace imagined::engine
