#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/formats/weight_source.h"

namespace imagined::engine {

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

/// Reads a configuration file; `file` is what error messages call it. Unknown keys are ignored; a
/// missing key, a wrong type or an impossible value is `invalid_argument`, an option without
/// implementation `unimplemented`; both name file and key.
Result<VaeConfig> parse_vae_config(std::string_view json, std::string_view file);

/// The configuration that names and shapes of the tensors give away; the norms' groups and epsilons
/// are the published models'.
Result<VaeConfig> detect_vae(const WeightSource& weights);

}  // namespace imagined::engine
