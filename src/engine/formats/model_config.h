// What the configuration files of a model say, as plain numbers. Every size of a network comes from
// here; no constant of one model stands in the engine's code.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace imagined::engine {

/// text_encoder/config.json, a Qwen3 decoder.
struct Qwen3Config {
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t layers = 0;       // num_hidden_layers
  std::int64_t query_heads = 0;  // num_attention_heads
  std::int64_t kv_heads = 0;     // num_key_value_heads; divides query_heads
  std::int64_t head_dim = 128;   // 128 when absent: not hidden_size / query_heads
  std::int64_t ffn_size = 0;     // intermediate_size
  double rms_epsilon = 1e-6;     // rms_norm_eps
  double rope_theta = 1e6;       // top level, or in rope_parameters
  bool tied_embeddings = true;   // tie_word_embeddings; tells only whether lm_head exists
};

/// transformer/config.json, a Flux2Transformer2DModel.
struct Flux2Config {
  std::int64_t in_channels = 128;
  std::int64_t out_channels = 128;      // in_channels when null
  std::int64_t double_blocks = 0;       // num_layers
  std::int64_t single_blocks = 0;       // num_single_layers
  std::int64_t heads = 0;               // num_attention_heads
  std::int64_t head_dim = 128;          // attention_head_dim
  std::int64_t context_size = 0;        // joint_attention_dim: width of the text features
  std::int64_t mlp_size = 0;            // floor(width * mlp_ratio): half the rows of ff.linear_in
  std::vector<std::int64_t> rope_axes;  // axes_dims_rope: even, sum head_dim
  double rope_theta = 2000;
  double epsilon = 1e-6;                 // of LayerNorm and of the q/k RMS norms
  std::int64_t timestep_channels = 256;  // timestep_guidance_channels: width of the sinusoid
  bool guidance_embeds = false;

  std::int64_t width() const { return heads * head_dim; }
};

/// vae/config.json, an AutoencoderKLFlux2.
struct VaeConfig {
  std::int64_t in_channels = 3;  // 3 * border_shuffle^2
  std::int64_t out_channels = 3;
  /// block_out_channels and decoder_block_out_channels (the same when null): width of each level,
  /// the finest first.
  std::vector<std::int64_t> encoder_channels = {128, 256, 512, 512};
  std::vector<std::int64_t> decoder_channels = {128, 256, 512, 512};
  std::int64_t layers_per_block = 2;  // residual blocks per level; the decoder has one more
  std::int64_t latent_channels = 32;
  std::int64_t norm_groups = 32;  // norm_num_groups
  bool mid_attention = true;      // mid_block_add_attention
  bool quant_conv = true;         // use_quant_conv
  bool post_quant_conv = true;    // use_post_quant_conv
  double batch_norm_epsilon = 1e-4;
  /// Side of the pixel block that is folded into channels before the encoder and unfolded after the
  /// decoder: channel c * s * s + dy * s + dx. Our own key; 1, nothing folded, in published models.
  std::int64_t border_shuffle = 1;

  std::int64_t levels() const { return static_cast<std::int64_t>(encoder_channels.size()); }
  /// Side in pixels of one latent; the 2x2 patches make a token twice as wide.
  std::int64_t pixels_per_latent() const { return border_shuffle << (levels() - 1); }
  std::int64_t pixels_per_token() const { return 2 * pixels_per_latent(); }
};

enum class TimeShift : std::uint8_t { exponential, linear };

/// scheduler/scheduler_config.json, a FlowMatchEulerDiscreteScheduler.
struct SchedulerConfig {
  bool dynamic_shifting = true;  // use_dynamic_shifting: the shift depends on the picture's size
  double shift = 3.0;            // static shift; unused with dynamic_shifting
  TimeShift time_shift = TimeShift::exponential;  // time_shift_type; unused without it
  std::optional<double> shift_terminal;           // the last sigma before 0, in (0, 1)
  double train_timesteps = 1000;                  // num_train_timesteps
};

/// How prompts become features; keys of model_index.json that diffusers keeps as call arguments.
struct TextConfig {
  /// text_encoder_out_layers: the residual stream after that many layers, in this order, joined.
  /// 0 is the embedding; the last layer's tap includes the final norm, as in transformers.
  std::vector<std::int64_t> taps = {9, 18, 27};
  std::int64_t max_tokens = 512;  // max_sequence_length
  bool pad = true;                // text_padding "none" switches it off
};

/// What a model is run with unless the request says otherwise; sampling.json where there is one.
struct SamplingDefaults {
  std::int64_t steps = 4;
  double guidance = 1;          // guidance_scale; 1 switches it off
  std::optional<double> shift;  // replaces the scheduler's static shift
  std::int64_t native_pixels =
      0;  // larger pictures are made at this area and enlarged; 0: no limit
};

}  // namespace imagined::engine
