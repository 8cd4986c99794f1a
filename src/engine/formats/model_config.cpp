#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "engine/formats/json.h"
#include "engine/formats/model_folder.h"

namespace imagined::engine {
namespace {

using nlohmann::json;

// Far above any published model; products of two of them fit easily into 64 bits.
constexpr ConfigReader::Limits kSizes{1, 1 << 20};
constexpr ConfigReader::Limits kVocabulary{1, 1 << 24};
constexpr ConfigReader::Limits kLayers{1, 1000};
constexpr ConfigReader::Limits kHeads{1, 4096};
constexpr ConfigReader::Limits kHeadDim{2, 4096};
constexpr ConfigReader::Limits kPromptTokens{2, 1 << 20};  // at least beginning and end

/// `_class_name` must be the class that this parser reads, where it is given.
void check_class(ConfigReader& reader, std::string_view expected) {
  const std::string name = reader.string_or("_class_name", expected);
  if (name != expected)
    reader.refuse("_class_name", fmt::format("{} is not supported, only {}", name, expected),
                  ErrorCode::unimplemented);
}

/// The base of the rotation, in either of its two spellings; scaled variants are refused.
double read_rope_theta(ConfigReader& reader, const json& root, std::string_view file) {
  double theta = reader.positive_or("rope_theta", 0);
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    if (!reader.has(key)) continue;
    ConfigReader inner(root.at(key), fmt::format("{}: {}", file, key));
    inner.only("rope_type", "default");
    inner.only("type", "default");
    const double nested = inner.positive_or("rope_theta", 0);
    if (const Result<> finished = inner.finish(); !finished)
      reader.refuse(key, finished.error().message, finished.error().code);
    if (theta != 0 && nested != 0 && theta != nested)
      reader.refuse(key, fmt::format("rope_theta is {} here and {} at the top", nested, theta));
    if (theta == 0) theta = nested;
  }
  constexpr double kPublishedTheta = 1e6;
  return theta != 0 ? theta : kPublishedTheta;
}

void check_rope_axes(ConfigReader& reader, std::span<const std::int64_t> axes, std::size_t count,
                     std::int64_t head_dim) {
  std::int64_t sum = 0;
  for (const std::int64_t axis : axes) {
    sum += axis;
    if (axis % 2 != 0)
      reader.refuse("axes_dims_rope", fmt::format("expected even numbers, found {}", axis));
  }
  if (axes.size() != count || sum != head_dim)
    reader.refuse("axes_dims_rope",
                  fmt::format("expected {} numbers with the sum {} (attention_head_dim), found {} "
                              "with the sum {}",
                              count, head_dim, axes.size(), sum));
}

void check_groups(ConfigReader& reader, const char* key, std::span<const std::int64_t> channels,
                  std::int64_t groups) {
  for (const std::int64_t count : channels)
    if (count % groups != 0)
      reader.refuse(
          key, fmt::format("{} channels are not divisible by norm_num_groups {}", count, groups));
}

}  // namespace

Result<Qwen3Config> parse_qwen3_config(std::string_view text, std::string_view file) {
  const json root = TRY(parse_json(text, file));
  ConfigReader reader(root, file);
  Qwen3Config config;
  reader.only("model_type", "qwen3");
  reader.only("hidden_act", "silu");
  reader.only("attention_bias", false);
  reader.only("use_sliding_window", false);
  config.vocab_size = reader.integer("vocab_size", kVocabulary);
  config.hidden_size = reader.integer("hidden_size", kSizes);
  config.layers = reader.integer("num_hidden_layers", kLayers);
  config.query_heads = reader.integer("num_attention_heads", kHeads);
  config.kv_heads = reader.integer_or("num_key_value_heads", config.query_heads, kHeads);
  config.head_dim = reader.integer_or("head_dim", config.head_dim, kHeadDim);
  config.ffn_size = reader.integer("intermediate_size", kSizes);
  config.rms_epsilon = reader.positive_or("rms_norm_eps", config.rms_epsilon);
  config.tied_embeddings = reader.boolean_or("tie_word_embeddings", false);
  config.rope_theta = read_rope_theta(reader, root, file);
  if (config.query_heads % config.kv_heads != 0)
    reader.refuse("num_key_value_heads", fmt::format("{} does not divide num_attention_heads {}",
                                                     config.kv_heads, config.query_heads));
  if (config.head_dim % 2 != 0)
    reader.refuse("head_dim", fmt::format("expected an even number, found {}", config.head_dim));
  TRY(reader.finish());
  return config;
}

Result<Flux2Config> parse_flux2_config(std::string_view text, std::string_view file) {
  const json root = TRY(parse_json(text, file));
  ConfigReader reader(root, file);
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

Result<Flux1Config> parse_flux1_config(std::string_view text, std::string_view file) {
  const json root = TRY(parse_json(text, file));
  ConfigReader reader(root, file);
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

Result<T5Config> parse_t5_config(std::string_view text, std::string_view file) {
  const json root = TRY(parse_json(text, file));
  ConfigReader reader(root, file);
  T5Config config;
  reader.only("model_type", "t5");
  // Without this key transformers means ReLU, the first T5.
  if (!reader.has("feed_forward_proj"))
    reader.refuse("feed_forward_proj", "missing; only \"gated-gelu\" is supported",
                  ErrorCode::unimplemented);
  reader.only("feed_forward_proj", "gated-gelu");
  config.vocab_size = reader.integer("vocab_size", kVocabulary);
  config.hidden_size = reader.integer("d_model", kSizes);
  config.layers = reader.integer("num_layers", kLayers);
  config.heads = reader.integer("num_heads", kHeads);
  config.head_dim = reader.integer("d_kv", kHeadDim);
  config.ffn_size = reader.integer("d_ff", kSizes);
  config.buckets =
      reader.integer_or("relative_attention_num_buckets", config.buckets, {4, 1 << 16});
  config.max_distance =
      reader.integer_or("relative_attention_max_distance", config.max_distance, kSizes);
  config.rms_epsilon = reader.positive_or("layer_norm_epsilon", config.rms_epsilon);
  if (config.buckets % 4 != 0)
    reader.refuse("relative_attention_num_buckets",
                  fmt::format("expected a multiple of 4, found {}", config.buckets));
  if (config.max_distance <= config.buckets / 4)
    reader.refuse("relative_attention_max_distance",
                  fmt::format("expected more than a quarter of {} buckets, found {}",
                              config.buckets, config.max_distance));
  TRY(reader.finish());
  return config;
}

Result<ClipConfig> parse_clip_config(std::string_view text, std::string_view file) {
  const json root = TRY(parse_json(text, file));
  ConfigReader reader(root, file);
  ClipConfig config;
  reader.only("model_type", "clip_text_model");
  reader.only("hidden_act", "quick_gelu");
  config.vocab_size = reader.integer("vocab_size", kVocabulary);
  config.hidden_size = reader.integer("hidden_size", kSizes);
  config.layers = reader.integer("num_hidden_layers", kLayers);
  config.heads = reader.integer("num_attention_heads", kHeads);
  config.ffn_size = reader.integer("intermediate_size", kSizes);
  config.positions = reader.integer_or("max_position_embeddings", 77, kPromptTokens);
  config.norm_epsilon = reader.positive_or("layer_norm_eps", config.norm_epsilon);
  constexpr std::int64_t kWrongEnd = 2;
  const std::int64_t end = reader.integer_or("eos_token_id", kWrongEnd, {0, config.vocab_size - 1});
  if (end != kWrongEnd) config.end_token = end;
  if (config.hidden_size % config.heads != 0)
    reader.refuse("num_attention_heads", fmt::format("{} does not divide hidden_size {}",
                                                     config.heads, config.hidden_size));
  TRY(reader.finish());
  return config;
}

Result<VaeConfig> parse_vae_config(std::string_view text, std::string_view file) {
  const json root = TRY(parse_json(text, file));
  ConfigReader reader(root, file);
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
    reader.only("patch_size", json::array({2, 2}));
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
    const json blocks(config.encoder_channels.size(),
                      down ? "DownEncoderBlock2D" : "UpDecoderBlock2D");
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

Result<SchedulerConfig> parse_scheduler_config(std::string_view text, std::string_view file) {
  const json root = TRY(parse_json(text, file));
  ConfigReader reader(root, file);
  SchedulerConfig config;
  check_class(reader, "FlowMatchEulerDiscreteScheduler");
  for (const char* key : {"invert_sigmas", "stochastic_sampling", "use_karras_sigmas",
                          "use_exponential_sigmas", "use_beta_sigmas"})
    reader.only(key, false);
  // A missing key means the scheduler's own default, not the published models' value.
  config.dynamic_shifting = reader.boolean_or("use_dynamic_shifting", false);
  config.shift = reader.positive_or("shift", 1.0);
  const std::string shape = reader.string_or("time_shift_type", "exponential");
  if (shape == "linear")
    config.time_shift = TimeShift::linear;
  else if (shape != "exponential")
    reader.refuse("time_shift_type",
                  fmt::format("expected \"exponential\" or \"linear\", found \"{}\"", shape));
  // diffusers takes 0 for "no terminal" too.
  if (reader.has("shift_terminal") && root.at("shift_terminal") != 0) {
    config.shift_terminal = reader.positive_or("shift_terminal", 0.5);
    if (*config.shift_terminal >= 1)
      reader.refuse("shift_terminal",
                    fmt::format("expected a number below 1, found {}", *config.shift_terminal));
  }
  config.base_shift = reader.positive_or("base_shift", config.base_shift);
  config.max_shift = reader.positive_or("max_shift", config.max_shift);
  config.base_tokens = reader.integer_or("base_image_seq_len", config.base_tokens, kSizes);
  config.max_tokens = reader.integer_or("max_image_seq_len", config.max_tokens, kSizes);
  config.train_timesteps = reader.positive_or("num_train_timesteps", config.train_timesteps);
  TRY(reader.finish());
  return config;
}

}  // namespace imagined::engine
