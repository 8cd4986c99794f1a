// Configurations read off the names and shapes of tensors, for files that come without one.
#include <fmt/format.h>

#include <cmath>

#include "engine/formats/model_folder.h"
#include "engine/formats/weight_names.h"

namespace imagined::engine {
namespace {

/// Shapes by name; the first one that is missing or not of the expected rank is remembered.
class Shapes {
 public:
  explicit Shapes(const WeightSource& weights) : weights_(&weights), names_(weights.names()) {
    for (const std::string& name : names_) views_.push_back(name);
  }
  std::int64_t size(std::string_view name, std::size_t rank, std::size_t axis) {
    const std::vector<std::int64_t> shape = weights_->shape(name);
    if (!weights_->has(name)) {
      refuse(fmt::format("tensor \"{}\" is missing", name));
    } else if (shape.size() != rank || shape[axis] <= 0) {
      refuse(fmt::format("tensor \"{}\": expected {} sizes above 0, file has {}", name, rank,
                         to_string(shape)));
    } else {
      return shape[axis];
    }
    return 1;
  }
  std::int64_t count(std::string_view prefix) const { return count_indices(views_, prefix); }
  bool has(std::string_view name) const { return weights_->has(name); }
  void refuse(std::string message) {
    if (!error_) error_ = Error{ErrorCode::invalid_argument, std::move(message), {}, {}};
  }
  Result<> finish() const {
    if (error_) return tl::unexpected(*error_);
    return {};
  }

 private:
  const WeightSource* weights_;
  std::vector<std::string> names_;
  std::vector<std::string_view> views_;
  std::optional<Error> error_;
};

/// a / b where b divides a; 1 and a complaint otherwise.
std::int64_t exact_ratio(Shapes& shapes, std::int64_t a, std::int64_t b, std::string_view what) {
  if (a % b == 0) return a / b;
  shapes.refuse(fmt::format("{}: {} is not divisible by {}", what, a, b));
  return 1;
}

/// First size of the convolution `<block>.<level>.resnets.0.conv1` of every level.
std::vector<std::int64_t> level_widths(Shapes& shapes, std::string_view block) {
  std::vector<std::int64_t> widths;
  for (std::int64_t level = 0; level < shapes.count(fmt::format("{}.", block)); ++level)
    widths.push_back(shapes.size(fmt::format("{}.{}.resnets.0.conv1.weight", block, level), 4, 0));
  return widths;
}

}  // namespace

Result<Flux2Config> detect_flux2(const WeightSource& weights) {
  if (weights.has("double_blocks.0.img_mod.lin.weight") ||
      weights.has("transformer_blocks.0.norm1.linear.weight"))
    return fail(ErrorCode::unimplemented, "a FLUX.1 transformer; only FLUX.2 is supported");
  Shapes shapes(weights);
  Flux2Config config;
  const std::int64_t width = shapes.size("x_embedder.weight", 2, 0);
  config.in_channels = shapes.size("x_embedder.weight", 2, 1);
  config.out_channels = shapes.size("proj_out.weight", 2, 0);
  config.context_size = shapes.size("context_embedder.weight", 2, 1);
  config.double_blocks = shapes.count("transformer_blocks.");
  config.single_blocks = shapes.count("single_transformer_blocks.");
  const std::string_view norm = config.double_blocks > 0
                                    ? "transformer_blocks.0.attn.norm_q.weight"
                                    : "single_transformer_blocks.0.attn.norm_q.weight";
  config.head_dim = shapes.size(norm, 1, 0);
  config.heads = exact_ratio(shapes, width, config.head_dim, "width over head width");
  if (config.double_blocks > 0)
    config.mlp_size = shapes.size("transformer_blocks.0.ff.linear_out.weight", 2, 1);
  else  // columns: the attention's width, then the MLP's
    config.mlp_size = shapes.size("single_transformer_blocks.0.attn.to_out.weight", 2, 1) - width;
  config.timestep_channels =
      shapes.size("time_guidance_embed.timestep_embedder.linear_1.weight", 2, 1);
  config.guidance_embeds = shapes.has("time_guidance_embed.guidance_embedder.linear_1.weight");
  // Every published model shares the head width equally among the four axes.
  if (config.head_dim % 8 == 0) config.rope_axes.assign(4, config.head_dim / 4);
  if (config.mlp_size <= 0) shapes.refuse("the blocks have no MLP");
  TRY(shapes.finish());
  return config;
}

Result<Flux1Config> detect_flux1(const WeightSource& weights) {
  Shapes shapes(weights);
  Flux1Config config;
  const std::int64_t width = shapes.size("x_embedder.weight", 2, 0);
  config.channels = shapes.size("x_embedder.weight", 2, 1);
  const std::int64_t out = shapes.size("proj_out.weight", 2, 0);
  if (out != config.channels)
    return fail(ErrorCode::unimplemented,
                fmt::format("a FLUX.1 transformer with {} channels in and {} out: Fill and Control "
                            "models are not supported",
                            config.channels, out));
  config.context_size = shapes.size("context_embedder.weight", 2, 1);
  config.pooled_size = shapes.size("time_text_embed.text_embedder.linear_1.weight", 2, 1);
  config.double_blocks = shapes.count("transformer_blocks.");
  config.single_blocks = shapes.count("single_transformer_blocks.");
  config.guidance_embeds = shapes.has("time_text_embed.guidance_embedder.linear_1.weight");
  const std::string_view norm = config.double_blocks > 0
                                    ? "transformer_blocks.0.attn.norm_q.weight"
                                    : "single_transformer_blocks.0.attn.norm_q.weight";
  config.head_dim = shapes.size(norm, 1, 0);
  config.heads = exact_ratio(shapes, width, config.head_dim, "width over head width");
  // The published proportions, 16 : 56 : 56.
  config.rope_axes.clear();
  if (config.head_dim % 32 == 0) {
    const std::int64_t unit = config.head_dim / 16;
    config.rope_axes = {2 * unit, 7 * unit, 7 * unit};
  }
  TRY(shapes.finish());
  return config;
}

Result<VaeConfig> detect_vae(const WeightSource& weights) {
  Shapes shapes(weights);
  VaeConfig config;
  config.in_channels = shapes.size("encoder.conv_in.weight", 4, 1);
  config.out_channels = shapes.size("decoder.conv_out.weight", 4, 0);
  config.encoder_channels = level_widths(shapes, "encoder.down_blocks");
  config.decoder_channels = level_widths(shapes, "decoder.up_blocks");
  std::reverse(config.decoder_channels.begin(), config.decoder_channels.end());
  config.layers_per_block = shapes.count("encoder.down_blocks.0.resnets.");
  config.latent_channels = shapes.size("decoder.conv_in.weight", 4, 1);
  config.mid_attention = shapes.has("decoder.mid_block.attentions.0.to_q.weight");
  config.quant_conv = shapes.has("quant_conv.weight");
  config.post_quant_conv = shapes.has("post_quant_conv.weight");
  config.border_shuffle = std::llround(std::sqrt(static_cast<double>(config.in_channels) / 3));
  constexpr std::int64_t kFlux1Latents = 16;
  if (config.latent_channels == kFlux1Latents && !shapes.has("bn.running_mean")) {
    config.scaling_factor = 0.3611;  // FLUX.1's published numbers, which stand in no tensor
    config.shift_factor = 0.1159;
  } else {
    // Some repackaged files lack them; without them every colour would be wrong.
    shapes.size("bn.running_mean", 1, 0);
    shapes.size("bn.running_var", 1, 0);
  }
  if (config.encoder_channels.empty() || config.layers_per_block == 0)
    shapes.refuse("no encoder blocks in the VAE");
  if (config.decoder_channels.size() != config.encoder_channels.size())
    shapes.refuse(fmt::format("the VAE has {} encoder levels and {} decoder levels",
                              config.encoder_channels.size(), config.decoder_channels.size()));
  if (config.in_channels != 3 * config.border_shuffle * config.border_shuffle ||
      config.out_channels != config.in_channels)
    shapes.refuse(fmt::format("the VAE takes {} channels and gives {}, expected 3 and 3",
                              config.in_channels, config.out_channels));
  for (const auto* channels : {&config.encoder_channels, &config.decoder_channels})
    for (const std::int64_t count : *channels)
      if (count % config.norm_groups != 0)
        shapes.refuse(fmt::format("{} channels of the VAE are not divisible by {} groups", count,
                                  config.norm_groups));
  TRY(shapes.finish());
  return config;
}

Result<Qwen3Config> detect_qwen3(const WeightSource& weights) {
  Shapes shapes(weights);
  Qwen3Config config;
  const std::string layer = "model.layers.0.";
  config.vocab_size = shapes.size("model.embed_tokens.weight", 2, 0);
  config.hidden_size = shapes.size("model.embed_tokens.weight", 2, 1);
  config.layers = shapes.count("model.layers.");
  config.head_dim = shapes.size(layer + "self_attn.q_norm.weight", 1, 0);
  config.query_heads = exact_ratio(shapes, shapes.size(layer + "self_attn.q_proj.weight", 2, 0),
                                   config.head_dim, "rows of q_proj over head width");
  config.kv_heads = exact_ratio(shapes, shapes.size(layer + "self_attn.k_proj.weight", 2, 0),
                                config.head_dim, "rows of k_proj over head width");
  exact_ratio(shapes, config.query_heads, config.kv_heads, "query heads over key heads");
  config.ffn_size = shapes.size(layer + "mlp.gate_proj.weight", 2, 0);
  TRY(shapes.finish());
  return config;
}

Result<T5Config> detect_t5(const WeightSource& weights) {
  Shapes shapes(weights);
  T5Config config;
  const std::string block = "encoder.block.0.layer.";
  const std::string_view embedding =
      shapes.has("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight";
  const std::string bias = block + "0.SelfAttention.relative_attention_bias.weight";
  config.vocab_size = shapes.size(embedding, 2, 0);
  config.hidden_size = shapes.size(embedding, 2, 1);
  config.layers = shapes.count("encoder.block.");
  config.buckets = shapes.size(bias, 2, 0);
  config.heads = shapes.size(bias, 2, 1);
  config.head_dim = exact_ratio(shapes, shapes.size(block + "0.SelfAttention.q.weight", 2, 0),
                                config.heads, "rows of q over heads");
  config.ffn_size = shapes.size(block + "1.DenseReluDense.wi_0.weight", 2, 0);
  config.max_distance = 4 * config.buckets;  // 128 for the published 32
  exact_ratio(shapes, config.buckets, 4, "buckets of relative positions over 4");
  TRY(shapes.finish());
  return config;
}

Result<ClipConfig> detect_clip(const WeightSource& weights) {
  Shapes shapes(weights);
  ClipConfig config;
  const std::string layer = "text_model.encoder.layers.0.";
  config.vocab_size = shapes.size("text_model.embeddings.token_embedding.weight", 2, 0);
  config.hidden_size = shapes.size("text_model.embeddings.token_embedding.weight", 2, 1);
  config.positions = shapes.size("text_model.embeddings.position_embedding.weight", 2, 0);
  config.layers = shapes.count("text_model.encoder.layers.");
  config.ffn_size = shapes.size(layer + "mlp.fc1.weight", 2, 0);
  constexpr std::int64_t kHeadDim = 64;  // of every published CLIP; no tensor shows it
  config.heads = exact_ratio(shapes, config.hidden_size, kHeadDim, "width over heads of 64");
  TRY(shapes.finish());
  return config;
}

}  // namespace imagined::engine
