#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/formats/weight_source.h"

namespace imagined::engine {

/// transformer/config.json, a WanTransformer3DModel without a picture encoder: text, and a first
/// frame that stands among the tokens.
struct WanConfig {
  std::int64_t channels = 48;        // in_channels and out_channels, of a latent
  std::int64_t heads = 24;           // num_attention_heads
  std::int64_t head_dim = 128;       // attention_head_dim
  std::int64_t layers = 30;          // num_layers
  std::int64_t ffn_size = 14336;     // ffn_dim
  std::int64_t text_size = 4096;     // text_dim
  std::int64_t time_channels = 256;  // freq_dim
  double epsilon = 1e-6;             // eps
  /// Shares of a head in time, rows and columns; follow from its width. Empty: no such shares.
  std::vector<std::int64_t> rope_axes = {44, 42, 42};

  std::int64_t width() const { return heads * head_dim; }
  /// Of a token, which is a square of 2x2 latents: patch_size is 1, 2, 2.
  std::int64_t token_channels() const { return 4 * channels; }
};

/// Reads a configuration file; `file` is what error messages call it. Unknown keys are ignored; a
/// missing key, a wrong type or an impossible value is `invalid_argument`, an option without
/// implementation `unimplemented`; both name file and key.
Result<WanConfig> parse_wan_config(std::string_view json, std::string_view file);

/// The configuration that names and shapes of the tensors give away; epsilon is the published
/// models', and so is the width of a head.
Result<WanConfig> detect_wan(const WeightSource& weights);

}  // namespace imagined::engine
