#include "engine/models/t5/t5.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "engine/models/common/embed_tokens.h"
#include "engine/models/common/work_cost.h"
#include "engine/ops/attention/attention.h"
#include "engine/ops/gelu/gelu.h"
#include "engine/ops/rms_norm/rms_norm.h"

namespace imagined::engine {

struct T5::Rows {
  Tensor hidden;   // [tokens, hidden_size] f32, the residual stream
  Tensor normed;   // [tokens, hidden_size]
  Tensor qkv;      // [tokens, 3 * heads * head_dim]
  Tensor mixed;    // [tokens, heads * head_dim]
  Tensor gate_up;  // [tokens, 2 * ffn_size]
  Tensor inner;    // [tokens, ffn_size]
};

std::int64_t t5_bucket(std::int64_t distance, const T5Config& config) {
  const std::int64_t side = config.buckets / 2;
  const std::int64_t exact = side / 2;
  const std::int64_t first = distance > 0 ? side : 0;
  const std::int64_t away = std::abs(distance);
  if (away < exact) return first + away;
  // In f32 as the reference computes it: whole powers of two fall on the edges of buckets.
  const float octaves = std::log(static_cast<float>(away) / static_cast<float>(exact));
  const auto range = static_cast<float>(
      std::log(static_cast<double>(config.max_distance) / static_cast<double>(exact)));
  const auto step = static_cast<std::int64_t>(octaves / range * static_cast<float>(side - exact));
  return first + std::min(exact + step, side - 1);
}

namespace {

std::string bias_name(std::int64_t layer) {
  return fmt::format("encoder.block.{}.layer.0.SelfAttention.relative_attention_bias.weight",
                     layer);
}

}  // namespace

Result<T5::Layer> T5::load_layer(WeightLoader& weights, const T5Config& config,
                                 std::int64_t index) {
  const std::string at = fmt::format("encoder.block.{}.layer.", index);
  const std::string attention = at + "0.SelfAttention.";
  const std::string mlp = at + "1.DenseReluDense.";
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t width = config.heads * config.head_dim;
  const std::int64_t inner = config.ffn_size;
  Layer layer;
  layer.attention_norm = TRY(weights.vector(at + "0.layer_norm.weight", hidden));
  layer.mlp_norm = TRY(weights.vector(at + "1.layer_norm.weight", hidden));
  layer.qkv = TRY(weights.linear({{attention + "q.weight", width},
                                  {attention + "k.weight", width},
                                  {attention + "v.weight", width}},
                                 hidden));
  layer.output = TRY(weights.linear({{attention + "o.weight", hidden}}, width));
  layer.gate_up =
      TRY(weights.linear({{mlp + "wi_0.weight", inner}, {mlp + "wi_1.weight", inner}}, hidden));
  layer.down = TRY(weights.linear({{mlp + "wo.weight", hidden}}, inner));
  if (index > 0 && !config.bias_per_layer) return layer;
  const MappedMatrix bias =
      TRY(weights.mapped_matrix(bias_name(index), config.buckets, config.heads));
  layer.bucket_bias = Tensor(config.buckets, config.heads);
  for (std::int64_t b = 0; b < config.buckets; ++b) {
    bias.read_row(b, layer.bucket_bias.view().row_range(b, 1));
  }
  return layer;
}

Result<T5> T5::load(WeightLoader& weights, const T5Config& config) {
  T5 model;
  model.config_ = config;
  model.format_ = weights.format();
  // The same tensor under two names: files have either, or both, and then both are used.
  const std::string embedding = "shared.weight";
  const std::string other = "encoder.embed_tokens.weight";
  for (const std::string& name : {other, embedding}) {
    if (!weights.has(name) && (name == other || weights.has(other))) continue;
    model.embedding_ = TRY(weights.mapped_matrix(name, config.vocab_size, config.hidden_size));
  }
  for (std::int64_t i = 0; i < config.layers; ++i) {
    model.layers_.push_back(TRY(load_layer(weights, config, i)));
  }
  model.final_norm_ = TRY(weights.vector("encoder.final_layer_norm.weight", config.hidden_size));
  return model;
}

/// [heads, 2 tokens - 1], as AttentionOptions::relative_bias.
Tensor T5::position_bias(const Tensor& bucket_bias, std::int64_t tokens) const {
  Tensor bias(config_.heads, 2 * tokens - 1);
  for (std::int64_t column = 0; column < bias.cols(); ++column) {
    const std::int64_t bucket = t5_bucket(column - (tokens - 1), config_);
    for (std::int64_t head = 0; head < config_.heads; ++head) {
      bias.row(head)[column] = bucket_bias.row(bucket)[head];
    }
  }
  return bias;
}

void T5::run_layer(const Context& context, const Layer& layer, ConstMatrixView bias,
                   Rows& rows) const {
  const std::int64_t width = config_.heads * config_.head_dim;
  const auto epsilon = static_cast<float>(config_.rms_epsilon);
  rms_norm(context, rows.hidden, layer.attention_norm, epsilon, rows.normed);
  matmul(context, rows.normed, layer.qkv, rows.qkv);
  const MatrixView qkv = rows.qkv.view();
  // The scale 1 / sqrt(head_dim) went into the weights when T5 was trained.
  attention(context, qkv.col_range(0, width), qkv.col_range(width, width),
            qkv.col_range(2 * width, width),
            {.head_dim = config_.head_dim, .scale = 1, .relative_bias = bias}, rows.mixed);
  matmul(context, rows.mixed, layer.output, rows.hidden, {.accumulate = true});

  rms_norm(context, rows.hidden, layer.mlp_norm, epsilon, rows.normed);
  matmul(context, rows.normed, layer.gate_up, rows.gate_up);
  gated_gelu(context, rows.gate_up, rows.inner);
  matmul(context, rows.inner, layer.down, rows.hidden, {.accumulate = true});
}

Result<Tensor> T5::encode(const Context& context, std::span<const std::int32_t> ids,
                          const std::stop_token& stop) const {
  const auto tokens = static_cast<std::int64_t>(ids.size());
  CHECK(tokens > 0, "no tokens");
  const std::int64_t width = config_.heads * config_.head_dim;
  const DType act = format_.activations;
  Rows rows{.hidden = TRY(embed_tokens(embedding_, {config_.vocab_size, config_.hidden_size}, ids)),
            .normed = Tensor(tokens, config_.hidden_size, act),
            .qkv = Tensor(tokens, 3 * width, act),
            .mixed = Tensor(tokens, width, act),
            .gate_up = Tensor(tokens, 2 * config_.ffn_size, act),
            .inner = Tensor(tokens, config_.ffn_size, act)};
  Tensor bias;
  for (const Layer& layer : layers_) {
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
    if (!layer.bucket_bias.empty()) bias = position_bias(layer.bucket_bias, tokens);
    run_layer(context, layer, bias, rows);
  }
  rms_norm(context, rows.hidden, final_norm_, static_cast<float>(config_.rms_epsilon), rows.hidden);
  return std::move(rows.hidden);
}

std::int64_t T5::working_bytes(std::int64_t tokens) const {
  const std::int64_t width = config_.heads * config_.head_dim;
  return matrix_bytes(tokens, config_.hidden_size + 2 * config_.heads, DType::f32) +
         matrix_bytes(tokens, config_.hidden_size + 4 * width + 3 * config_.ffn_size,
                      format_.activations) +
         matrix_bytes(tokens, std::max(width, config_.ffn_size), format_.activations);
}

double T5::flop(std::int64_t tokens) const {
  const auto t = static_cast<double>(tokens);
  const auto hidden = static_cast<double>(config_.hidden_size);
  const auto width = static_cast<double>(config_.heads * config_.head_dim);
  const double per_token = hidden * (4 * width + 3 * static_cast<double>(config_.ffn_size));
  return static_cast<double>(layers_.size()) * (2 * t * per_token + 4 * t * t * width);
}

}  // namespace imagined::engine
