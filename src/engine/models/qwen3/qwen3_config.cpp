#include "engine/models/qwen3/qwen3_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/formats/json.h"
#include "engine/formats/weight_shapes.h"
#include "engine/models/common/config_rules.h"
#include "engine/models/qwen3/qwen3_names.h"

namespace imagined::engine {
namespace {

/// The base of the rotation, in either of its two spellings; scaled variants are refused.
double read_rope_theta(ConfigReader& reader, double published) {
  double theta = reader.positive_or("rope_theta", 0);
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    if (!reader.has(key)) continue;
    ConfigReader inner = reader.inner(key);
    inner.only("rope_type", "default");
    inner.only("type", "default");
    const double nested = inner.positive_or("rope_theta", 0);
    reader.refuse(inner.finish());
    if (theta != 0 && nested != 0 && theta != nested)
      reader.refuse(key, fmt::format("rope_theta is {} here and {} at the top", nested, theta));
    if (theta == 0) theta = nested;
  }
  return theta != 0 ? theta : published;
}

/// What both kinds of decoder say.
void read_decoder(ConfigReader& reader, double published_theta, Qwen3Config& config) {
  reader.only("hidden_act", "silu");
  config.vocab_size = reader.integer("vocab_size", kVocabulary);
  config.hidden_size = reader.integer("hidden_size", kSizes);
  config.layers = reader.integer("num_hidden_layers", kLayers);
  config.query_heads = reader.integer("num_attention_heads", kHeads);
  config.kv_heads = reader.integer_or("num_key_value_heads", config.query_heads, kHeads);
  config.head_dim = reader.integer_or("head_dim", config.head_dim, kHeadDim);
  config.ffn_size = reader.integer("intermediate_size", kSizes);
  config.rms_epsilon = reader.positive_or("rms_norm_eps", config.rms_epsilon);
  config.tied_embeddings = reader.boolean_or("tie_word_embeddings", false);
  config.rope_theta = read_rope_theta(reader, published_theta);
  if (config.query_heads % config.kv_heads != 0)
    reader.refuse("num_key_value_heads", fmt::format("{} does not divide num_attention_heads {}",
                                                     config.kv_heads, config.query_heads));
  if (config.head_dim % 2 != 0)
    reader.refuse("head_dim", fmt::format("expected an even number, found {}", config.head_dim));
}

constexpr double kQwenTheta = 1e6;
constexpr double kMistralTheta = 1e9;
constexpr double kMistralEpsilon = 1e-5;
constexpr std::int64_t kMistralHeadDim = 128;

}  // namespace

Result<Qwen3Config> parse_qwen3_config(std::string_view text, std::string_view file) {
  ConfigReader reader = TRY(ConfigReader::parse(text, file));
  Qwen3Config config;
  reader.only("model_type", "qwen3");
  reader.only("attention_bias", false);
  reader.only("use_sliding_window", false);
  read_decoder(reader, kQwenTheta, config);
  TRY(reader.finish());
  return config;
}

Result<Qwen3Config> parse_mistral_config(std::string_view text, std::string_view file) {
  ConfigReader reader = TRY(ConfigReader::parse(text, file));
  Qwen3Config config;
  config.head_norms = false;
  config.rms_epsilon = kMistralEpsilon;
  const auto read = [&](ConfigReader& decoder) {
    decoder.only("model_type", "mistral");
    if (decoder.has("sliding_window"))
      decoder.refuse("sliding_window", "is not supported", ErrorCode::unimplemented);
    read_decoder(decoder, kMistralTheta, config);
  };
  if (reader.has("text_config")) {
    reader.only("model_type", "mistral3");
    ConfigReader inner = reader.inner("text_config");
    read(inner);
    reader.refuse(inner.finish());
  } else {
    read(reader);
  }
  TRY(reader.finish());
  return config;
}

namespace {

/// What the shapes of both kinds show once the width of a head is known.
/// order: kAdjacentPairs, or empty.
Result<Qwen3Config> detect_decoder(WeightShapes& shapes, std::string_view order,
                                   Qwen3Config config) {
  const std::string layer = "model.layers.0.";
  config.vocab_size = shapes.size("model.embed_tokens.weight", 2, 0);
  config.hidden_size = shapes.size("model.embed_tokens.weight", 2, 1);
  config.layers = shapes.count("model.layers.");
  const auto rows = [&](const char* which) {
    return shapes.size(fmt::format("{}self_attn.{}_proj{}.weight", layer, which, order), 2, 0);
  };
  config.query_heads =
      shapes.exact_ratio(rows("q"), config.head_dim, "rows of q_proj over head width");
  config.kv_heads =
      shapes.exact_ratio(rows("k"), config.head_dim, "rows of k_proj over head width");
  shapes.exact_ratio(config.query_heads, config.kv_heads, "query heads over key heads");
  config.ffn_size = shapes.size(layer + "mlp.gate_proj.weight", 2, 0);
  TRY(shapes.finish());
  return config;
}

}  // namespace

Result<Qwen3Config> detect_qwen3(const WeightSource& weights) {
  WeightShapes shapes(weights);
  Qwen3Config config;
  config.head_dim = shapes.size("model.layers.0.self_attn.q_norm.weight", 1, 0);
  return detect_decoder(shapes, {}, config);
}

Result<Qwen3Config> detect_mistral(const WeightSource& weights) {
  WeightShapes shapes(weights);
  Qwen3Config config;
  config.head_norms = false;
  config.head_dim = kMistralHeadDim;
  config.rms_epsilon = kMistralEpsilon;
  config.rope_theta = kMistralTheta;
  const bool adjacent =
      shapes.has(fmt::format("model.layers.0.self_attn.q_proj{}.weight", kAdjacentPairs));
  return detect_decoder(shapes, adjacent ? kAdjacentPairs : std::string_view(), config);
}

}  // namespace imagined::engine
