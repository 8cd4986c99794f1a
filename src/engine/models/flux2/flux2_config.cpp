#include "engine/models/flux2/flux2_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/formats/json.h"
#include "engine/formats/weight_shapes.h"
#include "engine/models/common/config_rules.h"

namespace imagined::engine {
Result<Flux2Config> parse_flux2_config(std::string_view text, std::string_view file) {
  ConfigReader reader = TRY(ConfigReader::parse(text, file));
  Flux2Config config;
  check_class(reader, "Flux2Transformer2DModel");
  reader.only("patch_size", 1);
  config.in_channels = reader.integer_or("in_channels", config.in_channels, kSizes);
  config.out_channels = reader.integer_or("out_channels", config.in_channels, kSizes);
  config.double_blocks = reader.integer("num_layers", {0, 1000});
  config.single_blocks = reader.integer("num_single_layers", {0, 1000});
  config.heads = reader.integer("num_attention_heads", kHeads);
  config.head_dim = reader.integer("attention_head_dim", kHeadDim);
  config.context_size = reader.integer("joint_attention_dim", kSizes);
  config.rope_axes = reader.integers_or("axes_dims_rope", {32, 32, 32, 32}, 4, {2, kHeadDim.max});
  config.rope_theta = reader.positive_or("rope_theta", config.rope_theta);
  config.epsilon = reader.positive_or("eps", config.epsilon);
  config.timestep_channels =
      reader.integer_or("timestep_guidance_channels", config.timestep_channels, {2, 1 << 16});
  config.guidance_embeds = reader.boolean_or("guidance_embeds", true);  // the constructor's default
  const double mlp_size =
      static_cast<double>(config.width()) * reader.positive_or("mlp_ratio", 3.0);
  if (mlp_size < 1 || mlp_size > static_cast<double>(kSizes.max))
    reader.refuse("mlp_ratio", fmt::format("an inner width of {:g} is not possible", mlp_size));
  else
    config.mlp_size = static_cast<std::int64_t>(mlp_size);
  if (config.double_blocks + config.single_blocks == 0)
    reader.refuse("num_layers", "a transformer without blocks");
  if (config.timestep_channels % 2 != 0)
    reader.refuse("timestep_guidance_channels",
                  fmt::format("expected an even number, found {}", config.timestep_channels));
  check_rope_axes(reader, config.rope_axes, 4, config.head_dim);
  TRY(reader.finish());
  return config;
}

Result<Flux2Config> detect_flux2(const WeightSource& weights) {
  WeightShapes shapes(weights);
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
  config.heads = shapes.exact_ratio(width, config.head_dim, "width over head width");
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

}  // namespace imagined::engine
