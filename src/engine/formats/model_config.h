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
  /// Trained to see its references through keys and values that are computed once, at noise level
  /// 0: klein's KV models. No file of weights tells; the pipeline's class or the file's name does.
  bool cached_references = false;

  std::int64_t width() const { return heads * head_dim; }
};

/// transformer/config.json, a FluxTransformer2DModel. What is missing in the file has the value of
/// that class, which is schnell's.
struct Flux1Config {
  std::int64_t channels = 64;        // in_channels and out_channels; Fill's and Control's differ
  std::int64_t double_blocks = 19;   // num_layers
  std::int64_t single_blocks = 38;   // num_single_layers
  std::int64_t heads = 24;           // num_attention_heads
  std::int64_t head_dim = 128;       // attention_head_dim
  std::int64_t context_size = 4096;  // joint_attention_dim: width of T5
  std::int64_t pooled_size = 768;    // pooled_projection_dim: width of CLIP
  std::vector<std::int64_t> rope_axes = {16, 56, 56};  // axes_dims_rope: even, sum head_dim
  bool guidance_embeds = false;
  // What no key says (flux.md 2.11).
  std::int64_t timestep_channels = 256;
  double rope_theta = 10000;
  double epsilon = 1e-6;

  std::int64_t width() const { return heads * head_dim; }
  std::int64_t mlp_size() const { return 4 * width(); }
};

/// text_encoder_2/config.json, the encoder of a T5 v1.1.
struct T5Config {
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;     // d_model
  std::int64_t layers = 0;          // num_layers
  std::int64_t heads = 0;           // num_heads
  std::int64_t head_dim = 0;        // d_kv: not hidden_size / heads
  std::int64_t ffn_size = 0;        // d_ff
  std::int64_t buckets = 32;        // relative_attention_num_buckets: half of them for each side
  std::int64_t max_distance = 128;  // relative_attention_max_distance: shares the last bucket
  double rms_epsilon = 1e-6;        // layer_norm_epsilon
};

/// text_encoder/config.json of FLUX.1, a CLIP text model.
struct ClipConfig {
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t layers = 0;     // num_hidden_layers
  std::int64_t heads = 0;      // num_attention_heads; divides hidden_size
  std::int64_t ffn_size = 0;   // intermediate_size
  std::int64_t positions = 0;  // max_position_embeddings: the longest prompt, 77 as published
  double norm_epsilon = 1e-5;  // layer_norm_eps
  /// eos_token_id, behind whose first occurrence a prompt is padding. Nothing where the file says
  /// 2, as published ones wrongly do: there the largest id is meant.
  std::optional<std::int64_t> end_token;
};

/// vae/config.json, an AutoencoderKLFlux2 or an AutoencoderKL.
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
  /// How the latents of an AutoencoderKL are normalised: (z - shift_factor) * scaling_factor.
  /// An AutoencoderKLFlux2 has none and normalises by its batch statistics (bn.*).
  std::optional<double> scaling_factor;
  double shift_factor = 0;
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
  /// With dynamic_shifting: FLUX.1's shift grows with the picture on the line below; FLUX.2 has a
  /// rule of its own and leaves these keys unread.
  bool shift_on_line = false;
  double base_shift = 0.5;
  double max_shift = 1.15;
  std::int64_t base_tokens = 256;  // base_image_seq_len
  std::int64_t max_tokens = 4096;  // max_image_seq_len
  double train_timesteps = 1000;   // num_train_timesteps
};

/// How prompts become features; keys of model_index.json that diffusers keeps as call arguments.
struct TextConfig {
  /// text_encoder_out_layers: the residual stream after that many layers, in this order, joined.
  /// 0 is the embedding; the last layer's tap includes the final norm, as in transformers.
  std::vector<std::int64_t> taps = {9, 18, 27};
  std::int64_t max_tokens = 0;  // max_sequence_length; 0: as the family's published models
  bool pad = true;              // text_padding "none" switches it off
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
