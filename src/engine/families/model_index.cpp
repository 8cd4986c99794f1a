// model_index.json and sampling.json: which pipeline a folder is for and how it is run.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>

#include "engine/families/model_folder.h"
#include "engine/formats/in_quotes.h"
#include "engine/formats/json.h"

namespace imagined::engine {
namespace {

using nlohmann::json;

/// A part of a pipeline and the classes that may fill it.
struct Component {
  const char* key;
  std::array<std::string_view, 2> classes;  // published and newer spelling, or the same twice
};

constexpr Component kKleinParts[] = {
    {"scheduler", {"FlowMatchEulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"}},
    {"text_encoder", {"Qwen3ForCausalLM", "Qwen3Model"}},
    {"tokenizer", {"Qwen2TokenizerFast", "Qwen2Tokenizer"}},
    {"transformer", {"Flux2Transformer2DModel", "Flux2Transformer2DModel"}},
    {"vae", {"AutoencoderKLFlux2", "AutoencoderKLFlux2"}},
};
constexpr Component kFlux1Parts[] = {
    {"scheduler", {"FlowMatchEulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"}},
    {"text_encoder", {"CLIPTextModel", "CLIPTextModel"}},
    {"text_encoder_2", {"T5EncoderModel", "T5EncoderModel"}},
    {"tokenizer", {"CLIPTokenizer", "CLIPTokenizerFast"}},
    {"tokenizer_2", {"T5TokenizerFast", "T5Tokenizer"}},
    {"transformer", {"FluxTransformer2DModel", "FluxTransformer2DModel"}},
    {"vae", {"AutoencoderKL", "AutoencoderKL"}},
};

struct KnownPipeline {
  std::string_view class_name;
  std::string_view family;
  bool cached_references;
  std::span<const Component> parts;
};
constexpr KnownPipeline kPipelines[] = {
    {"Flux2KleinPipeline", kFlux2Klein, false, kKleinParts},
    {"Flux2KleinKVPipeline", kFlux2Klein, true, kKleinParts},
    {"FluxPipeline", kFlux1, false, kFlux1Parts},
};

constexpr ConfigReader::Limits kPromptTokens{1, 1 << 16};

/// `"vae": ["diffusers", "AutoencoderKLFlux2"]`.
void check_component(ConfigReader& reader, const json& index, const Component& part) {
  const auto& [key, classes] = part;
  if (!reader.has(key)) return reader.refuse(key, "missing");
  const json& pair = index.at(key);
  if (!pair.is_array() || pair.size() != 2 || !pair[1].is_string())
    return reader.refuse(key, "expected a pair [library, class]");
  const auto name = pair[1].get<std::string>();
  if (std::find(classes.begin(), classes.end(), name) == classes.end())
    reader.refuse(key,
                  fmt::format("{} is not supported, only {}", in_quotes(name), classes.front()),
                  ErrorCode::unimplemented);
}

/// Null, and a complaint, for a pipeline that is not known.
const KnownPipeline* find_pipeline(ConfigReader& reader) {
  const std::string name = reader.string_or("_class_name", "");
  std::string known;
  for (const KnownPipeline& pipeline : kPipelines) {
    if (pipeline.class_name == name) return &pipeline;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", pipeline.class_name);
  }
  if (name.empty()) {
    reader.refuse("_class_name", "missing");
  } else {
    reader.refuse("_class_name",
                  fmt::format("{} is not supported, only {}", in_quotes(name), known),
                  ErrorCode::unimplemented);
  }
  return nullptr;
}

void read_text_options(ConfigReader& reader, TextConfig& text) {
  constexpr std::size_t kMaxTaps = 16;
  text.taps = reader.integers_or("text_encoder_out_layers", text.taps, kMaxTaps, {0, 1000});
  if (reader.has("max_sequence_length"))
    text.max_tokens = reader.integer("max_sequence_length", kPromptTokens);
  const std::string padding = reader.string_or("text_padding", "max_length");
  if (padding != "none" && padding != "max_length")
    reader.refuse("text_padding",
                  fmt::format("expected \"none\" or \"max_length\", found {}", in_quotes(padding)));
  text.pad = padding != "none";
}

}  // namespace

Result<> parse_model_index(std::string_view text, ModelFolder& model) {
  const json index = TRY(parse_json(text, "model_index.json"));
  ConfigReader reader(index, "model_index.json");
  if (const KnownPipeline* pipeline = find_pipeline(reader)) {
    model.family = pipeline->family;
    model.cached_references = pipeline->cached_references;
    for (const Component& part : pipeline->parts) check_component(reader, index, part);
  }
  // The KV pipeline knows no guidance at all.
  model.distilled = reader.boolean_or("is_distilled", model.cached_references);
  read_text_options(reader, model.text);
  return reader.finish();
}

Result<> parse_sampling(std::string_view text, ModelFolder& model) {
  const json root = TRY(parse_json(text, "sampling.json"));
  ConfigReader reader(root, "sampling.json");
  SamplingDefaults& sampling = model.sampling;
  sampling.steps = reader.integer_or("steps", sampling.steps, {1, 1000});
  sampling.guidance = reader.positive_or("guidance_scale", sampling.guidance);
  if (reader.has("shift")) sampling.shift = reader.positive_or("shift", 1);
  sampling.native_pixels = reader.integer_or("native_pixels", sampling.native_pixels, {0, 1 << 28});
  const std::int64_t derived = model.vae_config.pixels_per_token();
  const std::int64_t stated = reader.integer_or("pixels_per_token", derived, {1, 1 << 16});
  if (stated != derived)
    reader.refuse("pixels_per_token",
                  fmt::format("{} here, {} by vae/config.json", stated, derived));
  return reader.finish();
}

}  // namespace imagined::engine
