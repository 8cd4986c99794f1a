#include "engine/models/clip/clip_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/formats/json.h"
#include "engine/formats/weight_shapes.h"
#include "engine/models/common/config_rules.h"

namespace imagined::engine {
Result<ClipConfig> parse_clip_config(std::string_view text, std::string_view file) {
  ConfigReader reader = TRY(ConfigReader::parse(text, file));
  ClipConfig config;
  reader.only("model_type", "clip_text_model");
  reader.only("hidden_act", "quick_gelu");
  config.vocab_size = reader.integer("vocab_size", kVocabulary);
  config.hidden_size = reader.integer("hidden_size", kSizes);
  config.layers = reader.integer("num_hidden_layers", kLayers);
  config.heads = reader.integer("num_attention_heads", kHeads);
  config.ffn_size = reader.integer("intermediate_size", kSizes);
  config.positions = reader.integer_or("max_position_embeddings", 77, kPromptTokens);
  config.norm_epsilon = reader.positive_or("layer_norm_eps", config.norm_epsilon);
  constexpr std::int64_t kWrongEnd = 2;
  const std::int64_t end = reader.integer_or("eos_token_id", kWrongEnd, {0, config.vocab_size - 1});
  if (end != kWrongEnd) config.end_token = end;
  if (config.hidden_size % config.heads != 0)
    reader.refuse("num_attention_heads", fmt::format("{} does not divide hidden_size {}",
                                                     config.heads, config.hidden_size));
  TRY(reader.finish());
  return config;
}

Result<ClipConfig> detect_clip(const WeightSource& weights) {
  WeightShapes shapes(weights);
  ClipConfig config;
  const std::string layer = "text_model.encoder.layers.0.";
  config.vocab_size = shapes.size("text_model.embeddings.token_embedding.weight", 2, 0);
  config.hidden_size = shapes.size("text_model.embeddings.token_embedding.weight", 2, 1);
  config.positions = shapes.size("text_model.embeddings.position_embedding.weight", 2, 0);
  config.layers = shapes.count("text_model.encoder.layers.");
  config.ffn_size = shapes.size(layer + "mlp.fc1.weight", 2, 0);
  constexpr std::int64_t kPublishedHeadDim = 64;  // of every published CLIP; no tensor shows it
  config.heads =
      shapes.exact_ratio(config.hidden_size, kPublishedHeadDim, "width over heads of 64");
  TRY(shapes.finish());
  return config;
}

}  // namespace imagined::engine
