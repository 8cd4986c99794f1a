// Names and shapes of the tensors of Wan's transformer.
#include <fmt/core.h>

#include "engine/models/wan/wan.h"

namespace imagined::engine {

class Wan::Loader {
 public:
  Loader(WeightLoader& weights, const WanConfig& config) : weights_(weights), config_(config) {}

  Result<Attention> attention(const std::string& at, bool to_text) {
    const std::int64_t d = config_.width();
    Attention attention;
    attention.norm_q = TRY(weights_.vector(at + "norm_q.weight", d));
    attention.norm_k = TRY(weights_.vector(at + "norm_k.weight", d));
    if (to_text) {
      attention.q = TRY(load_block_linear(weights_, {{at + "to_q", d}}, d));
      attention.kv = TRY(load_block_linear(weights_, {{at + "to_k", d}, {at + "to_v", d}}, d));
    } else {
      attention.qkv = TRY(
          load_block_linear(weights_, {{at + "to_q", d}, {at + "to_k", d}, {at + "to_v", d}}, d));
    }
    attention.out = TRY(load_block_linear(weights_, {{at + "to_out.0", d}}, d));
    return attention;
  }

  Result<Block> block(std::int64_t index) {
    const std::string at = fmt::format("blocks.{}.", index);
    const std::int64_t d = config_.width();
    const std::int64_t inner = config_.ffn_size;
    Block block;
    block.self = TRY(attention(at + "attn1.", false));
    block.text = TRY(attention(at + "attn2.", true));
    block.text_norm_weight = TRY(weights_.vector(at + "norm2.weight", d));
    block.text_norm_bias = TRY(weights_.vector(at + "norm2.bias", d));
    block.mlp_in = TRY(load_block_linear(weights_, {{at + "ffn.net.0.proj", inner}}, d));
    block.mlp_out = TRY(load_block_linear(weights_, {{at + "ffn.net.2", d}}, inner));
    block.modulation = TRY(weights_.vector(at + "scale_shift_table", 6 * d));
    return block;
  }

  /// What comes out lies as row, column, channel of a patch in Wan's files; what goes in, and our
  /// tokens, as channel, row, column.
  Result<Linear> output() {
    const std::int64_t rows = config_.token_channels();
    const auto parts = [&](const char* name) {
      std::vector<LinearPart> list;
      for (std::int64_t channel = 0; channel < config_.channels; ++channel)
        for (std::int64_t place = 0; place < 4; ++place)
          list.push_back({.name = name,
                          .rows = rows,
                          .first = place * config_.channels + channel,
                          .count = 1});
      return list;
    };
    Linear layer;
    layer.bias = TRY(weights_.vector(parts("proj_out.bias")));
    layer.weight = TRY(weights_.linear(parts("proj_out.weight"), config_.width()));
    return layer;
  }

 private:
  WeightLoader& weights_;
  const WanConfig& config_;
};

Result<std::unique_ptr<Wan>> Wan::load(WeightLoader& weights, const WanConfig& config) {
  const std::int64_t d = config.width();
  auto model = std::make_unique<Wan>();
  model->config_ = config;
  model->format_ = weights.format();
  Loader loader(weights, config);
  model->patch_in_ = TRY(load_linear(weights, {{"patch_embedding", d}}, config.token_channels()));
  model->out_ = TRY(loader.output());
  model->out_modulation_ = TRY(weights.vector("scale_shift_table", 2 * d));
  const std::string at = "condition_embedder.";
  model->time_ = TRY(load_embedding_mlp(weights, at + "time_embedder", config.time_channels, d));
  model->time_modulation_ = TRY(load_linear(weights, {{at + "time_proj", 6 * d}}, d));
  model->text_in_ =
      TRY(load_linear(weights, {{at + "text_embedder.linear_1", d}}, config.text_size));
  model->text_out_ = TRY(load_linear(weights, {{at + "text_embedder.linear_2", d}}, d));
  for (std::int64_t i = 0; i < config.layers; ++i) model->blocks_.push_back(TRY(loader.block(i)));
  return model;
}

}  // namespace imagined::engine
