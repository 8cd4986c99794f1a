#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/formats/weight_source.h"

namespace imagined::engine {

/// vae/config.json, an AutoencoderKLWan with the residual shortcuts of Wan 2.2.
struct WanVaeConfig {
  std::int64_t latent_channels = 48;                    // z_dim
  std::int64_t encoder_width = 160;                     // base_dim
  std::int64_t decoder_width = 256;                     // decoder_base_dim
  std::vector<std::int64_t> widths = {1, 2, 4, 4};      // dim_mult, the finest level first
  std::int64_t blocks_per_level = 2;                    // num_res_blocks; the decoder has one more
  std::vector<bool> halves_time = {false, true, true};  // temperal_downsample
  std::vector<double> mean;                             // latents_mean
  std::vector<double> deviation;                        // latents_std
  /// Side of the pixel block that is folded into channels before the encoder: patch_size.
  std::int64_t patch = 2;

  std::int64_t levels() const { return static_cast<std::int64_t>(widths.size()); }
  std::int64_t pixels_per_latent() const { return patch << (levels() - 1); }
  std::int64_t frames_per_latent() const;
};

/// Reads a configuration file; `file` is what error messages call it. Unknown keys are ignored; a
/// missing key, a wrong type or an impossible value is `invalid_argument`, an option without
/// implementation (the autoencoder of Wan 2.1) `unimplemented`; both name file and key.
Result<WanVaeConfig> parse_wan_vae_config(std::string_view json, std::string_view file);

/// The configuration that names and shapes of the tensors give away. How latents are normalised
/// none shows: of 48 channels it is the published model's, of any other number `invalid_argument`.
Result<WanVaeConfig> detect_wan_vae(const WeightSource& weights);

}  // namespace imagined::engine
