#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "engine/formats/weight_source.h"

namespace imagined::engine {

/// text_encoder/config.json, a Qwen3 decoder, or the language half of Mistral3.
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
  bool head_norms = true;        // of queries and keys; Mistral has none
};

/// Reads a configuration file; `file` is what error messages call it. Unknown keys are ignored; a
/// missing key, a wrong type or an impossible value is `invalid_argument`, an option without
/// implementation `unimplemented`; both name file and key.
Result<Qwen3Config> parse_qwen3_config(std::string_view json, std::string_view file);

/// The same of `text_config` of a Mistral3ForConditionalGeneration, or of a Mistral decoder alone.
Result<Qwen3Config> parse_mistral_config(std::string_view json, std::string_view file);

/// The configuration that names and shapes of the tensors give away; epsilon and RoPE are the
/// published models'.
Result<Qwen3Config> detect_qwen3(const WeightSource& weights);
/// The same; heads are taken to be as wide as the published ones, which no tensor shows.
Result<Qwen3Config> detect_mistral(const WeightSource& weights);

}  // namespace imagined::engine
