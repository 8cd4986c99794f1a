#include "engine/models/vae/vae_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/formats/json.h"
#include "engine/formats/weight_shapes.h"
#include "engine/models/common/config_rules.h"

namespace imagined::engine {
namespace {

void check_groups(ConfigReader& reader, const char* key, std::span<const std::int64_t> channels,
                  std::int64_t groups) {
  for (const std::int64_t count : channels)
    if (count % groups != 0)
      reader.refuse(
          key, fmt::format("{} channels are not divisible by norm_num_groups {}", count, groups));
}

/// First size of the convolution `<block>.<level>.resnets.0.conv1` of every level.
std::vector<std::int64_t> level_widths(WeightShapes& shapes, std::string_view block) {
  std::vector<std::int64_t> widths;
  for (std::int64_t level = 0; level < shapes.count(fmt::format("{}.", block)); ++level)
    widths.push_back(shapes.size(fmt::format("{}.{}.resnets.0.conv1.weight", block, level), 4, 0));
  return widths;
}

}  // namespace

Result<VaeConfig> parse_vae_config(std::string_view text, std::string_view file) {
  ConfigReader reader = TRY(ConfigReader::parse(text, file));
  VaeConfig config;
  // FLUX.1's class differs in what stands around the same encoder and decoder.
  const bool flux1 = reader.string_or("_class_name", "") == "AutoencoderKL";
  if (flux1) {
    config.scaling_factor = reader.positive_or("scaling_factor", 0.18215);  // the class's default
    config.shift_factor = reader.number_or("shift_factor", 0);
    config.latent_channels = 4;
    config.layers_per_block = 1;
    reader.only("latents_mean", nullptr);
    reader.only("latents_std", nullptr);
  } else {
    check_class(reader, "AutoencoderKLFlux2");
    reader.only("patch_size", JsonText::array().push(2).push(2));
  }
  reader.only("act_fn", "silu");
  constexpr std::size_t kMaxLevels = 8;
  config.in_channels = reader.integer_or("in_channels", config.in_channels, kSizes);
  config.out_channels = reader.integer_or("out_channels", config.out_channels, kSizes);
  config.encoder_channels =
      reader.integers_or("block_out_channels", config.encoder_channels, kMaxLevels, kSizes);
  config.decoder_channels =
      reader.integers_or("decoder_block_out_channels", config.encoder_channels, kMaxLevels, kSizes);
  config.layers_per_block = reader.integer_or("layers_per_block", config.layers_per_block, {1, 64});
  config.latent_channels = reader.integer_or("latent_channels", config.latent_channels, {1, 4096});
  config.norm_groups = reader.integer_or("norm_num_groups", config.norm_groups, {1, 4096});
  config.mid_attention = reader.boolean_or("mid_block_add_attention", config.mid_attention);
  config.quant_conv = reader.boolean_or("use_quant_conv", config.quant_conv);
  config.post_quant_conv = reader.boolean_or("use_post_quant_conv", config.post_quant_conv);
  config.batch_norm_epsilon = reader.positive_or("batch_norm_eps", config.batch_norm_epsilon);
  config.border_shuffle = reader.integer_or("border_shuffle", config.border_shuffle, {1, 64});
  for (const char* key : {"down_block_types", "up_block_types"}) {
    const bool down = std::string_view(key) == "down_block_types";
    JsonText blocks = JsonText::array();
    for (std::size_t i = 0; i < config.encoder_channels.size(); ++i)
      blocks.push(down ? "DownEncoderBlock2D" : "UpDecoderBlock2D");
    reader.only(key, blocks);
  }
  if (config.decoder_channels.size() != config.encoder_channels.size())
    reader.refuse("decoder_block_out_channels",
                  fmt::format("expected {} numbers as in block_out_channels, found {}",
                              config.encoder_channels.size(), config.decoder_channels.size()));
  const std::int64_t border_channels = 3 * config.border_shuffle * config.border_shuffle;
  for (const auto& [key, count] : {std::pair{"in_channels", config.in_channels},
                                   std::pair{"out_channels", config.out_channels}})
    if (count != border_channels)
      reader.refuse(key, fmt::format("expected {} (3 colours, border_shuffle {}), found {}",
                                     border_channels, config.border_shuffle, count));
  check_groups(reader, "block_out_channels", config.encoder_channels, config.norm_groups);
  check_groups(reader, "decoder_block_out_channels", config.decoder_channels, config.norm_groups);
  TRY(reader.finish());
  return config;
}

Result<VaeConfig> detect_vae(const WeightSource& weights) {
  WeightShapes shapes(weights);
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

}  // namespace imagined::engine
