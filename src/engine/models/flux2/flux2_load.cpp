#include <fmt/core.h>

#include "engine/models/flux2/flux2.h"
#include "engine/models/flux2/modulation.h"

namespace imagined::engine {

class Flux2::Loader {
 public:
  Loader(WeightLoader& weights, const Flux2Config& config) : weights_(weights), config_(config) {}

  Result<DoubleBlock> double_block(std::int64_t index) {
    at_ = fmt::format("transformer_blocks.{}.", index);
    DoubleBlock block;
    block.image = TRY(stream({.q = "attn.to_q.weight",
                              .k = "attn.to_k.weight",
                              .v = "attn.to_v.weight",
                              .norm_q = "attn.norm_q.weight",
                              .norm_k = "attn.norm_k.weight",
                              .proj = "attn.to_out.0.weight",
                              .mlp = "ff"}));
    block.text = TRY(stream({.q = "attn.add_q_proj.weight",
                             .k = "attn.add_k_proj.weight",
                             .v = "attn.add_v_proj.weight",
                             .norm_q = "attn.norm_added_q.weight",
                             .norm_k = "attn.norm_added_k.weight",
                             .proj = "attn.to_add_out.weight",
                             .mlp = "ff_context"}));
    return block;
  }

  Result<SingleBlock> single_block(std::int64_t index) {
    at_ = fmt::format("single_transformer_blocks.{}.attn.", index);
    const std::int64_t all = 3 * d_ + 2 * config_.mlp_size;
    SingleBlock block;
    block.norms.q = TRY(weights_.vector(at_ + "norm_q.weight", config_.head_dim));
    block.norms.k = TRY(weights_.vector(at_ + "norm_k.weight", config_.head_dim));
    // One tensor in the file, two products here: attention needs q, k and v of all rows at once,
    // the MLP works through the rows in chunks.
    const std::string fused = at_ + "to_qkv_mlp_proj.weight";
    block.qkv = TRY(weights_.block_linear({{fused, all, 0, 3 * d_}}, d_));
    block.mlp_in = TRY(weights_.block_linear({{fused, all, 3 * d_, 2 * config_.mlp_size}}, d_));
    block.out = TRY(weights_.block_linear({{at_ + "to_out.weight", d_}}, d_ + config_.mlp_size));
    return block;
  }

  Result<TimeMlp> time_mlp(const std::string& name) {
    const std::string at = "time_guidance_embed." + name;
    TimeMlp mlp;
    mlp.in = TRY(weights_.linear({{at + ".linear_1.weight", d_}}, config_.timestep_channels));
    mlp.out = TRY(weights_.linear({{at + ".linear_2.weight", d_}}, d_));
    return mlp;
  }

 private:
  struct Names {
    std::string q, k, v, norm_q, norm_k, proj, mlp;
  };
  Result<Stream> stream(const Names& names) {
    const std::int64_t inner = config_.mlp_size;
    Stream stream;
    stream.norms.q = TRY(weights_.vector(at_ + names.norm_q, config_.head_dim));
    stream.norms.k = TRY(weights_.vector(at_ + names.norm_k, config_.head_dim));
    stream.qkv = TRY(
        weights_.block_linear({{at_ + names.q, d_}, {at_ + names.k, d_}, {at_ + names.v, d_}}, d_));
    stream.proj = TRY(weights_.block_linear({{at_ + names.proj, d_}}, d_));
    stream.mlp_in =
        TRY(weights_.block_linear({{at_ + names.mlp + ".linear_in.weight", 2 * inner}}, d_));
    stream.mlp_out =
        TRY(weights_.block_linear({{at_ + names.mlp + ".linear_out.weight", d_}}, inner));
    return stream;
  }

  WeightLoader& weights_;
  const Flux2Config& config_;
  std::int64_t d_ = config_.width();
  std::string at_;
};

Result<std::unique_ptr<Flux2>> Flux2::load(WeightLoader& weights, const Flux2Config& config) {
  const std::int64_t d = config.width();
  Loader loader(weights, config);
  auto model = std::make_unique<Flux2>();
  model->config_ = config;
  model->format_ = weights.format();
  model->image_in_ = TRY(weights.linear({{"x_embedder.weight", d}}, config.in_channels));
  model->text_in_ = TRY(weights.linear({{"context_embedder.weight", d}}, config.context_size));
  model->image_out_ = TRY(weights.linear({{"proj_out.weight", config.out_channels}}, d));
  model->time_ = TRY(loader.time_mlp("timestep_embedder"));
  if (config.guidance_embeds) model->guidance_ = TRY(loader.time_mlp("guidance_embedder"));
  model->modulation_ =
      TRY(weights.linear({{"double_stream_modulation_img.linear.weight", kFlux2DoubleParts * d},
                          {"double_stream_modulation_txt.linear.weight", kFlux2DoubleParts * d},
                          {"single_stream_modulation.linear.weight", kFlux2SingleParts * d},
                          {"norm_out.linear.weight", kFlux2OutputParts * d}},
                         d));
  for (std::int64_t i = 0; i < config.double_blocks; ++i) {
    model->double_blocks_.push_back(TRY(loader.double_block(i)));
  }
  for (std::int64_t i = 0; i < config.single_blocks; ++i) {
    model->single_blocks_.push_back(TRY(loader.single_block(i)));
  }
  return model;
}

}  // namespace imagined::engine
