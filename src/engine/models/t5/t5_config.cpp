#include "engine/models/t5/t5_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/formats/json.h"
#include "engine/formats/weight_shapes.h"
#include "engine/models/common/config_rules.h"

namespace imagined::engine {
namespace {

Result<T5Config> parse(std::string_view text, std::string_view file, std::string_view model_type) {
  ConfigReader reader = TRY(ConfigReader::parse(text, file));
  T5Config config;
  reader.only("model_type", model_type);
  // Without this key transformers means ReLU, the first T5.
  if (!reader.has("feed_forward_proj"))
    reader.refuse("feed_forward_proj", "missing; only \"gated-gelu\" is supported",
                  ErrorCode::unimplemented);
  reader.only("feed_forward_proj", "gated-gelu");
  config.vocab_size = reader.integer("vocab_size", kVocabulary);
  config.hidden_size = reader.integer("d_model", kSizes);
  config.layers = reader.integer("num_layers", kLayers);
  config.heads = reader.integer("num_heads", kHeads);
  config.head_dim = reader.integer("d_kv", kHeadDim);
  config.ffn_size = reader.integer("d_ff", kSizes);
  config.buckets =
      reader.integer_or("relative_attention_num_buckets", config.buckets, {4, 1 << 16});
  config.max_distance =
      reader.integer_or("relative_attention_max_distance", config.max_distance, kSizes);
  config.rms_epsilon = reader.positive_or("layer_norm_epsilon", config.rms_epsilon);
  if (config.buckets % 4 != 0)
    reader.refuse("relative_attention_num_buckets",
                  fmt::format("expected a multiple of 4, found {}", config.buckets));
  if (config.max_distance <= config.buckets / 4)
    reader.refuse("relative_attention_max_distance",
                  fmt::format("expected more than a quarter of {} buckets, found {}",
                              config.buckets, config.max_distance));
  TRY(reader.finish());
  return config;
}

Result<T5Config> detect(const WeightSource& weights, bool bias_per_layer) {
  WeightShapes shapes(weights);
  T5Config config;
  const std::string block = "encoder.block.0.layer.";
  const std::string_view embedding =
      shapes.has("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight";
  const std::string bias = block + "0.SelfAttention.relative_attention_bias.weight";
  config.vocab_size = shapes.size(embedding, 2, 0);
  config.hidden_size = shapes.size(embedding, 2, 1);
  config.layers = shapes.count("encoder.block.");
  config.buckets = shapes.size(bias, 2, 0);
  config.heads = shapes.size(bias, 2, 1);
  config.head_dim = shapes.exact_ratio(shapes.size(block + "0.SelfAttention.q.weight", 2, 0),
                                       config.heads, "rows of q over heads");
  config.ffn_size = shapes.size(block + "1.DenseReluDense.wi_0.weight", 2, 0);
  config.max_distance = 4 * config.buckets;  // 128 for the published 32
  config.bias_per_layer =
      shapes.has("encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight");
  if (config.bias_per_layer && !bias_per_layer)
    shapes.refuse("every block has a position bias of its own: a UMT5, not a T5");
  if (!config.bias_per_layer && bias_per_layer)
    shapes.refuse("the blocks share one position bias: a T5, not a UMT5");
  shapes.exact_ratio(config.buckets, 4, "buckets of relative positions over 4");
  TRY(shapes.finish());
  return config;
}

}  // namespace

Result<T5Config> parse_t5_config(std::string_view text, std::string_view file) {
  return parse(text, file, "t5");
}

Result<T5Config> parse_umt5_config(std::string_view text, std::string_view file) {
  T5Config config = TRY(parse(text, file, "umt5"));
  config.bias_per_layer = true;
  return config;
}

Result<T5Config> detect_t5(const WeightSource& weights) { return detect(weights, false); }

Result<T5Config> detect_umt5(const WeightSource& weights) { return detect(weights, true); }

}  // namespace imagined::engine
