#include "engine/models/wan/wan_config.h"

#include <fmt/core.h>

#include "engine/formats/json.h"
#include "engine/formats/weight_shapes.h"
#include "engine/models/common/config_rules.h"

namespace imagined::engine {
namespace {

/// Rows and columns have a third each, in whole pairs; time has the rest.
/// Source: diffusers, `WanRotaryPosEmbed`.
std::vector<std::int64_t> axes_of(std::int64_t head_dim) {
  const std::int64_t side = 2 * (head_dim / 6);
  const std::int64_t time = head_dim - 2 * side;
  if (side == 0 || time % 2 != 0) return {};
  return {time, side, side};
}

}  // namespace

Result<WanConfig> parse_wan_config(std::string_view text, std::string_view file) {
  ConfigReader reader = TRY(ConfigReader::parse(text, file));
  WanConfig config;
  check_class(reader, "WanTransformer3DModel");
  const std::vector<std::int64_t> patch = reader.integers_or("patch_size", {1, 2, 2}, 3, {1, 64});
  if (patch != std::vector<std::int64_t>{1, 2, 2})
    reader.refuse("patch_size", "only [1, 2, 2] is supported", ErrorCode::unimplemented);
  for (const char* key : {"image_dim", "added_kv_proj_dim", "pos_embed_seq_len"})
    if (reader.has(key))
      reader.refuse(key,
                    "a transformer that reads a picture through an encoder of its own (Wan 2.1 "
                    "image to video) is not supported; Wan2.2-TI2V-5B is",
                    ErrorCode::unimplemented);
  reader.only("qk_norm", "rms_norm_across_heads");
  reader.only("cross_attn_norm", true);
  config.channels = reader.integer_or("in_channels", 16, kSizes);
  const std::int64_t out = reader.integer_or("out_channels", config.channels, kSizes);
  if (out != config.channels)
    reader.refuse("in_channels",
                  fmt::format("{} in and {} out: a transformer that reads the first frame beside "
                              "each latent (Wan 2.1 and A14B image to video) is not supported; "
                              "Wan2.2-TI2V-5B is",
                              config.channels, out),
                  ErrorCode::unimplemented);
  config.heads = reader.integer_or("num_attention_heads", 40, kHeads);
  config.head_dim = reader.integer_or("attention_head_dim", 128, kHeadDim);
  config.layers = reader.integer_or("num_layers", 40, kLayers);
  config.ffn_size = reader.integer_or("ffn_dim", 13824, kSizes);
  config.text_size = reader.integer_or("text_dim", 4096, kSizes);
  config.time_channels = reader.integer_or("freq_dim", 256, {2, kSizes.max});
  config.epsilon = reader.positive_or("eps", config.epsilon);
  config.rope_axes = axes_of(config.head_dim);
  if (config.rope_axes.empty())
    reader.refuse("attention_head_dim", fmt::format("heads of width {} have no whole pairs for "
                                                    "time, rows and columns",
                                                    config.head_dim));
  if (config.time_channels % 2 != 0)
    reader.refuse("freq_dim",
                  fmt::format("expected an even number, found {}", config.time_channels));
  TRY(reader.finish());
  return config;
}

Result<WanConfig> detect_wan(const WeightSource& weights) {
  WeightShapes shapes(weights);
  WanConfig config;
  const std::int64_t width = shapes.size("patch_embedding.weight", 2, 0);
  config.channels = shapes.exact_ratio(shapes.size("patch_embedding.weight", 2, 1), 4,
                                       "numbers of a patch over its 2x2 latents");
  constexpr std::int64_t kOlderChannels = 16;
  if (config.channels == kOlderChannels)
    return fail(ErrorCode::unimplemented,
                "a Wan transformer of 16 latent channels (Wan 2.1, A14B) is not supported; "
                "Wan2.2-TI2V-5B, which has 48, is");
  const std::int64_t out = shapes.size("proj_out.weight", 2, 0);
  if (out != config.token_channels())
    return fail(ErrorCode::unimplemented,
                fmt::format("a Wan transformer with {} numbers of a token in and {} out: one that "
                            "reads the first frame beside each latent is not supported",
                            config.token_channels(), out));
  config.heads = shapes.exact_ratio(width, config.head_dim, "width over heads of 128");
  config.layers = shapes.count("blocks.");
  config.ffn_size = shapes.size("blocks.0.ffn.net.0.proj.weight", 2, 0);
  config.text_size = shapes.size("condition_embedder.text_embedder.linear_1.weight", 2, 1);
  config.time_channels = shapes.size("condition_embedder.time_embedder.linear_1.weight", 2, 1);
  config.rope_axes = axes_of(config.head_dim);
  TRY(shapes.finish());
  return config;
}

}  // namespace imagined::engine
