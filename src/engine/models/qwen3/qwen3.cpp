#include "engine/models/qwen3/qwen3.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "engine/formats/name_table.h"
#include "engine/models/common/embed_tokens.h"
#include "engine/models/common/work_cost.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/ops/attention/attention.h"
#include "engine/ops/convert/convert.h"
#include "engine/ops/rms_norm/rms_norm.h"
#include "engine/ops/swiglu/swiglu.h"

namespace imagined::engine {
namespace {

Result<> check_taps(std::span<const std::int64_t> taps, const Qwen3Config& config) {
  if (taps.empty()) return fail(ErrorCode::invalid_argument, "text encoder: no output layers");
  for (std::size_t i = 0; i < taps.size(); ++i) {
    if (taps[i] < 0 || taps[i] > config.layers) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("text encoder: output layer {} of a model with {} layers", taps[i],
                              config.layers));
    }
  }
  return {};
}

/// The positions first, first + 1, ...
RopeTable position_table(std::int64_t first, std::int64_t tokens, const Qwen3Config& config) {
  std::vector<double> ids(static_cast<std::size_t>(tokens));
  for (std::size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<double>(first) + static_cast<double>(i);
  const std::array axis_dims{static_cast<int>(config.head_dim)};
  return make_rope_table(ids, axis_dims, config.rope_theta);
}

}  // namespace

/// Where the rows of a call stand and what they look at.
struct Qwen3::Places {
  RopeTable table;             // of every row
  std::int64_t key_count = 0;  // rows from here on are looked at by none
  std::int64_t blind = 0;      // the first rows, which look at nothing and are looked at by none
};

struct Qwen3::Rows {
  Tensor hidden;   // [tokens, hidden_size] f32, the residual stream
  Tensor normed;   // [tokens, hidden_size]
  Tensor qkv;      // [tokens, (q heads + 2 kv heads) * head_dim]
  Tensor mixed;    // [tokens, q heads * head_dim]
  Tensor gate_up;  // [tokens, 2 * ffn_size]
  Tensor inner;    // [tokens, ffn_size]
};

Result<Qwen3::Layer> Qwen3::load_layer(WeightLoader& weights, const Qwen3Config& config,
                                       std::int64_t index) {
  const std::string at = fmt::format("model.layers.{}.", index);
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t q = config.query_heads * config.head_dim;
  const std::int64_t kv = config.kv_heads * config.head_dim;
  const std::int64_t inner = config.ffn_size;
  const std::string adjacent(kAdjacentPairs);
  const std::string order =
      weights.has(at + "self_attn.q_proj" + adjacent + ".weight") ? adjacent : std::string();
  Layer layer;
  layer.input_norm = TRY(weights.vector(at + "input_layernorm.weight", hidden));
  layer.post_norm = TRY(weights.vector(at + "post_attention_layernorm.weight", hidden));
  if (config.head_norms) {
    layer.q_norm = TRY(weights.vector(at + "self_attn.q_norm.weight", config.head_dim));
    layer.k_norm = TRY(weights.vector(at + "self_attn.k_norm.weight", config.head_dim));
  }
  layer.qkv = TRY(weights.linear({{at + "self_attn.q_proj" + order + ".weight", q},
                                  {at + "self_attn.k_proj" + order + ".weight", kv},
                                  {at + "self_attn.v_proj.weight", kv}},
                                 hidden));
  layer.output = TRY(weights.linear({{at + "self_attn.o_proj.weight", hidden}}, q));
  layer.gate_up = TRY(weights.linear(
      {{at + "mlp.gate_proj.weight", inner}, {at + "mlp.up_proj.weight", inner}}, hidden));
  layer.down = TRY(weights.linear({{at + "mlp.down_proj.weight", hidden}}, inner));
  return layer;
}

Result<Qwen3> Qwen3::load(WeightLoader& weights, const Qwen3Config& config,
                          std::span<const std::int64_t> taps) {
  TRY(check_taps(taps, config));
  Qwen3 model;
  model.config_ = config;
  model.format_ = weights.format();
  model.taps_.assign(taps.begin(), taps.end());
  model.embedding_ = TRY(
      weights.mapped_matrix("model.embed_tokens.weight", config.vocab_size, config.hidden_size));
  if (weights.has(fmt::format("model.layers.0.self_attn.q_proj{}.weight", kAdjacentPairs)))
    model.layout_ = RopeLayout::interleaved;
  const std::int64_t last = *std::max_element(taps.begin(), taps.end());
  for (std::int64_t i = 0; i < last; ++i) {
    model.layers_.push_back(TRY(load_layer(weights, config, i)));
  }
  // transformers returns the last hidden state after the final norm (flux.md 5.1, item 4).
  if (last == config.layers) {
    model.final_norm_ = TRY(weights.vector("model.norm.weight", config.hidden_size));
  }
  return model;
}

bool Qwen3::is_behind(std::string_view name, std::span<const std::int64_t> taps) {
  if (name == "lm_head.weight" || name == "model.norm.weight") return true;
  const std::optional<Indexed> layer = indexed(name, "model.layers.");
  const std::int64_t last = taps.empty() ? 0 : *std::max_element(taps.begin(), taps.end());
  return layer && layer->index >= last;
}

void Qwen3::run_layer(const Context& context, const Layer& layer, const Places& places,
                      Rows& rows) const {
  const std::int64_t d = config_.head_dim;
  const std::int64_t q_width = config_.query_heads * d;
  const std::int64_t kv_width = config_.kv_heads * d;
  const auto epsilon = static_cast<float>(config_.rms_epsilon);

  rms_norm(context, rows.hidden, layer.input_norm, epsilon, rows.normed);
  matmul(context, rows.normed, layer.qkv, rows.qkv);
  const std::int64_t seeing = rows.qkv.rows() - places.blind;
  const MatrixView qkv = rows.qkv.view().row_range(places.blind, seeing);
  const MatrixView q = qkv.col_range(0, q_width);
  const MatrixView k = qkv.col_range(q_width, kv_width);
  const MatrixView v = qkv.col_range(q_width + kv_width, kv_width);
  const RopeRows turns = places.table.rows(places.blind, seeing);
  const auto turn = [&](MatrixView heads, const Vector& norm) {
    if (config_.head_norms)
      head_norm_rope(context, heads, d, norm, epsilon, turns, layout_);
    else
      rope_heads(context, heads, d, turns, layout_);
  };
  turn(q, layer.q_norm);
  turn(k, layer.k_norm);
  const AttentionOptions options{.head_dim = d,
                                 .scale = 1.0f / std::sqrt(static_cast<float>(d)),
                                 .causal = true,
                                 .key_count = places.key_count - places.blind};
  attention(context, q, k, v, options, rows.mixed.view().row_range(places.blind, seeing));
  matmul(context, rows.mixed, layer.output, rows.hidden, {.accumulate = true});

  rms_norm(context, rows.hidden, layer.post_norm, epsilon, rows.normed);
  matmul(context, rows.normed, layer.gate_up, rows.gate_up);
  swiglu(context, rows.gate_up, rows.inner);
  matmul(context, rows.inner, layer.down, rows.hidden, {.accumulate = true});
}

Result<Tensor> Qwen3::encode(const Context& context, std::span<const std::int32_t> ids,
                             std::int64_t key_count, const std::stop_token& stop) const {
  const auto tokens = static_cast<std::int64_t>(ids.size());
  CHECK(tokens > 0 && key_count > 0 && key_count <= tokens, "{} real of {} tokens", key_count,
        tokens);
  return run(context, ids, {.table = position_table(0, tokens, config_), .key_count = key_count},
             stop);
}

Result<Tensor> Qwen3::encode_right(const Context& context, std::span<const std::int32_t> ids,
                                   std::int64_t padding, const std::stop_token& stop) const {
  const auto tokens = static_cast<std::int64_t>(ids.size());
  CHECK(padding >= 0 && padding < tokens, "{} of {} tokens are padding", padding, tokens);
  const std::int64_t blind = std::min<std::int64_t>(padding, 1);
  const std::int64_t first = padding - blind;  // of the rows that are computed
  const std::int64_t count = tokens - first;
  Tensor computed = TRY(run(
      context, ids.subspan(static_cast<std::size_t>(first)),
      {.table = position_table(first, count, config_), .key_count = count, .blind = blind}, stop));
  if (first == 0) return computed;
  Tensor features(tokens, feature_width());
  for (std::int64_t row = 0; row < first; ++row)
    convert(context, computed.view().row_range(0, 1), features.view().row_range(row, 1));
  convert(context, computed, features.view().row_range(first, count));
  return features;
}

Result<Tensor> Qwen3::run(const Context& context, std::span<const std::int32_t> ids,
                          const Places& places, const std::stop_token& stop) const {
  const auto tokens = static_cast<std::int64_t>(ids.size());
  const std::int64_t width = config_.hidden_size;
  const std::int64_t q_width = config_.query_heads * config_.head_dim;
  const std::int64_t kv_width = config_.kv_heads * config_.head_dim;
  const DType act = format_.activations;
  Rows rows{.hidden = TRY(embed_tokens(embedding_, {config_.vocab_size, config_.hidden_size}, ids)),
            .normed = Tensor(tokens, width, act),
            .qkv = Tensor(tokens, q_width + 2 * kv_width, act),
            .mixed = Tensor(tokens, q_width, act),
            .gate_up = Tensor(tokens, 2 * config_.ffn_size, act),
            .inner = Tensor(tokens, config_.ffn_size, act)};
  // A blind row's attention is 0 in every layer.
  const std::vector<float> nothing(static_cast<std::size_t>(q_width), 0.0f);
  for (std::int64_t row = 0; row < places.blind; ++row)
    convert(context, Vector(nothing), rows.mixed.view().row_range(row, 1));
  const auto epsilon = static_cast<float>(config_.rms_epsilon);
  Tensor features(tokens, feature_width());
  const auto last = static_cast<std::int64_t>(layers_.size());
  for (std::int64_t done = 0; done <= last; ++done) {
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
    if (done > 0) {
      run_layer(context, layers_[static_cast<std::size_t>(done - 1)], places, rows);
    }
    const bool normed = done == config_.layers;
    for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
      if (taps_[tap] != done) continue;
      const MatrixView part =
          features.view().col_range(static_cast<std::int64_t>(tap) * width, width);
      if (normed) {
        rms_norm(context, rows.hidden, final_norm_, epsilon, part);
      } else {
        convert(context, rows.hidden, part);
      }
    }
  }
  return features;
}

std::int64_t Qwen3::working_bytes(std::int64_t tokens) const {
  const std::int64_t q = config_.query_heads * config_.head_dim;
  const std::int64_t kv = config_.kv_heads * config_.head_dim;
  return matrix_bytes(tokens, config_.hidden_size + feature_width() + config_.head_dim,
                      DType::f32) +
         matrix_bytes(tokens, config_.hidden_size + 2 * q + 2 * kv + 3 * config_.ffn_size,
                      format_.activations) +
         matrix_bytes(tokens, std::max(q, config_.ffn_size), format_.activations);
}

double Qwen3::flop(std::int64_t tokens) const {
  const auto t = static_cast<double>(tokens);
  const auto hidden = static_cast<double>(config_.hidden_size);
  const auto q = static_cast<double>(config_.query_heads * config_.head_dim);
  const auto kv = static_cast<double>(config_.kv_heads * config_.head_dim);
  const double per_token = hidden * (2 * q + 2 * kv + 3 * static_cast<double>(config_.ffn_size));
  return static_cast<double>(layers_.size()) * (2 * t * per_token + 4 * t * t * q);
}

}  // namespace imagined::engine
