#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/formats/weight_source.h"

namespace imagined::engine {

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

/// Reads a configuration file; `file` is what error messages call it. Unknown keys are ignored; a
/// missing key, a wrong type or an impossible value is `invalid_argument`, an option without
/// implementation `unimplemented`; both name file and key.
Result<Flux2Config> parse_flux2_config(std::string_view json, std::string_view file);

/// The configuration that names and shapes of the tensors give away; what they cannot say
/// (epsilons, RoPE) is the published models' value. `rope_axes` stays empty where the published
/// shares do not divide the head width.
Result<Flux2Config> detect_flux2(const WeightSource& weights);

}  // namespace imagined::engine
