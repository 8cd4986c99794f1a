#include "engine/models/flux1/flux1_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/formats/json.h"
#include "engine/formats/weight_shapes.h"
#include "engine/models/common/config_rules.h"

namespace imagined::engine {
Result<Flux1Config> parse_flux1_config(std::string_view text, std::string_view file) {
  ConfigReader reader = TRY(ConfigReader::parse(text, file));
  Flux1Config config;
  check_class(reader, "FluxTransformer2DModel");
  reader.only("patch_size", 1);
  config.channels = reader.integer_or("in_channels", config.channels, kSizes);
  const std::int64_t out = reader.integer_or("out_channels", config.channels, kSizes);
  if (out != config.channels)
    reader.refuse("in_channels",
                  fmt::format("{} in and {} out: Fill and Control models are not supported",
                              config.channels, out),
                  ErrorCode::unimplemented);
  config.double_blocks = reader.integer_or("num_layers", config.double_blocks, {0, 1000});
  config.single_blocks = reader.integer_or("num_single_layers", config.single_blocks, {0, 1000});
  config.heads = reader.integer_or("num_attention_heads", config.heads, kHeads);
  config.head_dim = reader.integer_or("attention_head_dim", config.head_dim, kHeadDim);
  config.context_size = reader.integer_or("joint_attention_dim", config.context_size, kSizes);
  config.pooled_size = reader.integer_or("pooled_projection_dim", config.pooled_size, kSizes);
  config.guidance_embeds = reader.boolean_or("guidance_embeds", config.guidance_embeds);
  config.rope_axes = reader.integers_or("axes_dims_rope", config.rope_axes, 3, {2, kHeadDim.max});
  if (config.double_blocks + config.single_blocks == 0)
    reader.refuse("num_layers", "a transformer without blocks");
  check_rope_axes(reader, config.rope_axes, 3, config.head_dim);
  TRY(reader.finish());
  return config;
}

Result<Flux1Config> detect_flux1(const WeightSource& weights) {
  WeightShapes shapes(weights);
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
  config.heads = shapes.exact_ratio(width, config.head_dim, "width over head width");
  // The published proportions, 16 : 56 : 56.
  config.rope_axes.clear();
  if (config.head_dim % 32 == 0) {
    const std::int64_t unit = config.head_dim / 16;
    config.rope_axes = {2 * unit, 7 * unit, 7 * unit};
  }
  TRY(shapes.finish());
  return config;
}

}  // namespace imagined::engine
