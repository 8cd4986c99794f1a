// Names and shapes of the FLUX.1 transformer's tensors (flux.md 2.11).
#include <fmt/core.h>

#include "engine/models/flux1/flux1.h"

namespace imagined::engine {

class Flux1::Loader {
 public:
  Loader(WeightLoader& weights, const Flux1Config& config) : weights_(weights), config_(config) {}

  Result<DoubleBlock> double_block(std::int64_t index);
  Result<SingleBlock> single_block(std::int64_t index);

 private:
  struct StreamNames {
    std::string q, k, v, norm_q, norm_k, proj, mlp;
  };
  Result<Stream> stream(const StreamNames& names);

  WeightLoader& weights_;
  const Flux1Config& config_;
};

Result<Flux1::Stream> Flux1::Loader::stream(const StreamNames& names) {
  const std::int64_t d = config_.width();
  const std::int64_t inner = config_.mlp_size();
  Stream stream;
  stream.norms.q = TRY(weights_.vector(names.norm_q + ".weight", config_.head_dim));
  stream.norms.k = TRY(weights_.vector(names.norm_k + ".weight", config_.head_dim));
  stream.qkv = TRY(load_block_linear(weights_, {{names.q, d}, {names.k, d}, {names.v, d}}, d));
  stream.proj = TRY(load_block_linear(weights_, {{names.proj, d}}, d));
  stream.mlp_in = TRY(load_block_linear(weights_, {{names.mlp + ".net.0.proj", inner}}, d));
  stream.mlp_out = TRY(load_block_linear(weights_, {{names.mlp + ".net.2", d}}, inner));
  return stream;
}

Result<Flux1::DoubleBlock> Flux1::Loader::double_block(std::int64_t index) {
  const std::string at = fmt::format("transformer_blocks.{}.", index);
  const std::int64_t d = config_.width();
  DoubleBlock block;
  block.modulation = TRY(load_linear(
      weights_, {{at + "norm1.linear", 6 * d}, {at + "norm1_context.linear", 6 * d}}, d));
  block.image = TRY(stream({.q = at + "attn.to_q",
                            .k = at + "attn.to_k",
                            .v = at + "attn.to_v",
                            .norm_q = at + "attn.norm_q",
                            .norm_k = at + "attn.norm_k",
                            .proj = at + "attn.to_out.0",
                            .mlp = at + "ff"}));
  block.text = TRY(stream({.q = at + "attn.add_q_proj",
                           .k = at + "attn.add_k_proj",
                           .v = at + "attn.add_v_proj",
                           .norm_q = at + "attn.norm_added_q",
                           .norm_k = at + "attn.norm_added_k",
                           .proj = at + "attn.to_add_out",
                           .mlp = at + "ff_context"}));
  return block;
}

Result<Flux1::SingleBlock> Flux1::Loader::single_block(std::int64_t index) {
  const std::string at = fmt::format("single_transformer_blocks.{}.", index);
  const std::int64_t d = config_.width();
  const std::int64_t inner = config_.mlp_size();
  SingleBlock block;
  block.modulation = TRY(load_linear(weights_, {{at + "norm.linear", 3 * d}}, d));
  block.norms.q = TRY(weights_.vector(at + "attn.norm_q.weight", config_.head_dim));
  block.norms.k = TRY(weights_.vector(at + "attn.norm_k.weight", config_.head_dim));
  // Two products: attention needs q, k and v of all rows at once, the MLP works through the rows in
  // chunks.
  block.qkv = TRY(load_block_linear(
      weights_, {{at + "attn.to_q", d}, {at + "attn.to_k", d}, {at + "attn.to_v", d}}, d));
  block.mlp_in = TRY(load_block_linear(weights_, {{at + "proj_mlp", inner}}, d));
  block.out = TRY(load_block_linear(weights_, {{at + "proj_out", d}}, d + inner));
  return block;
}

Result<std::unique_ptr<Flux1>> Flux1::load(WeightLoader& weights, const Flux1Config& config) {
  const std::int64_t d = config.width();
  auto model = std::make_unique<Flux1>();
  model->config_ = config;
  model->format_ = weights.format();
  model->image_in_ = TRY(load_linear(weights, {{"x_embedder", d}}, config.channels));
  model->text_in_ = TRY(load_linear(weights, {{"context_embedder", d}}, config.context_size));
  model->image_out_ = TRY(load_linear(weights, {{"proj_out", config.channels}}, d));
  model->out_modulation_ = TRY(load_linear(weights, {{"norm_out.linear", 2 * d}}, d));
  const std::string at = "time_text_embed.";
  model->time_ =
      TRY(load_embedding_mlp(weights, at + "timestep_embedder", config.timestep_channels, d));
  model->pooled_ = TRY(load_embedding_mlp(weights, at + "text_embedder", config.pooled_size, d));
  if (config.guidance_embeds) {
    model->guidance_ =
        TRY(load_embedding_mlp(weights, at + "guidance_embedder", config.timestep_channels, d));
  }
  Loader loader(weights, config);
  for (std::int64_t i = 0; i < config.double_blocks; ++i) {
    model->double_blocks_.push_back(TRY(loader.double_block(i)));
  }
  for (std::int64_t i = 0; i < config.single_blocks; ++i) {
    model->single_blocks_.push_back(TRY(loader.single_block(i)));
  }
  return model;
}

}  // namespace imagined::engine
