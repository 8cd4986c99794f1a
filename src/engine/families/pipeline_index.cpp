#include "engine/families/pipeline_index.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/families/family.h"
#include "engine/formats/in_quotes.h"
#include "engine/formats/json.h"

namespace imagined::engine {
namespace {

using nlohmann::json;

constexpr ConfigReader::Limits kPromptTokens{1, 1 << 16};
constexpr std::int64_t kReferencesMax = 8;

/// `"vae": ["diffusers", "AutoencoderKLFlux2"]`, in a modular index with a third entry that says
/// where the part was loaded from.
void check_component(ConfigReader& reader, const json& index, const PipelineComponent& part) {
  const auto& [key, classes] = part;
  if (!reader.has(key)) return reader.refuse(key, "missing");
  const json& pair = index.at(key);
  if (!pair.is_array() || pair.size() < 2 || pair.size() > 3 || !pair[1].is_string())
    return reader.refuse(key, "expected a pair [library, class]");
  const auto name = pair[1].get<std::string>();
  if (std::find(classes.begin(), classes.end(), name) == classes.end())
    reader.refuse(key,
                  fmt::format("{} is not supported, only {}", in_quotes(name), classes.front()),
                  ErrorCode::unimplemented);
}

struct Found {
  const Family* family = nullptr;
  PipelineClass pipeline;
};

/// No family, and a complaint, for a pipeline that is not known.
Found find_pipeline(ConfigReader& reader, std::span<const Family* const> families) {
  const std::string name = reader.string_or("_class_name", "");
  std::string known;
  for (const Family* family : families) {
    for (const PipelineClass& pipeline : family->pipelines) {
      if (pipeline.name == name) return {family, pipeline};
      known += fmt::format("{}{}", known.empty() ? "" : ", ", pipeline.name);
    }
  }
  if (name.empty()) {
    reader.refuse("_class_name", "missing");
  } else {
    reader.refuse("_class_name",
                  fmt::format("{} is not supported, only {}", in_quotes(name), known),
                  ErrorCode::unimplemented);
  }
  return {};
}

void read_text_options(ConfigReader& reader, TextConfig& text) {
  constexpr std::size_t kMaxTaps = 16;
  text.taps_stated = reader.has("text_encoder_out_layers");
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

Result<PipelineIndex> parse_pipeline_index(std::string_view text, std::string_view file,
                                           std::span<const Family* const> families) {
  const json root = TRY(parse_json(text, file));
  ConfigReader reader(root, file);
  PipelineIndex index;
  const Found found = find_pipeline(reader, families);
  index.family = found.family;
  index.cached_references = found.pipeline.cached_references;
  index.takes_references = found.pipeline.takes_references;
  if (found.family != nullptr)
    for (const PipelineComponent& part : found.family->components)
      check_component(reader, root, part);
  if (found.family != nullptr && found.family->check_index != nullptr)
    found.family->check_index(reader);
  index.distilled = reader.boolean_or("is_distilled", found.pipeline.distilled);
  if (reader.has("max_references"))
    index.max_references = reader.integer("max_references", {0, kReferencesMax});
  read_text_options(reader, index.text);
  TRY(reader.finish());
  return index;
}

}  // namespace imagined::engine
