#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "engine/formats/weight_source.h"

namespace imagined::engine {

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

/// Reads a configuration file; `file` is what error messages call it. Unknown keys are ignored; a
/// missing key, a wrong type or an impossible value is `invalid_argument`, an option without
/// implementation `unimplemented`; both name file and key.
Result<ClipConfig> parse_clip_config(std::string_view json, std::string_view file);

/// The configuration that names and shapes of the tensors give away; epsilon and the heads' width
/// are the published models'.
Result<ClipConfig> detect_clip(const WeightSource& weights);

}  // namespace imagined::engine
