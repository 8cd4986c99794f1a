#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/formats/weight_source.h"

namespace imagined::engine {

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

/// Reads a configuration file; `file` is what error messages call it. Unknown keys are ignored; a
/// missing key, a wrong type or an impossible value is `invalid_argument`, an option without
/// implementation `unimplemented`; both name file and key.
Result<Flux1Config> parse_flux1_config(std::string_view json, std::string_view file);

/// The configuration that names and shapes of the tensors give away; what they cannot say
/// (epsilons, RoPE) is the published models' value. `rope_axes` stays empty where the published
/// shares do not divide the head width.
Result<Flux1Config> detect_flux1(const WeightSource& weights);

}  // namespace imagined::engine
