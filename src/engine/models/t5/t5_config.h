#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "engine/formats/weight_source.h"

namespace imagined::engine {

/// The encoder of a T5 v1.1, or of a UMT5, which is one with positions of its own in each layer.
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
  bool bias_per_layer = false;      // UMT5: each layer has its own table of relative positions
};

/// Reads a configuration file; `file` is what error messages call it. Unknown keys are ignored; a
/// missing key, a wrong type or an impossible value is `invalid_argument`, an option without
/// implementation `unimplemented`; both name file and key.
Result<T5Config> parse_t5_config(std::string_view json, std::string_view file);
/// The same of a UMT5.
Result<T5Config> parse_umt5_config(std::string_view json, std::string_view file);

/// The configuration that names and shapes of the tensors give away; epsilon is the published
/// models'.
Result<T5Config> detect_t5(const WeightSource& weights);
Result<T5Config> detect_umt5(const WeightSource& weights);

}  // namespace imagined::engine
