// model_index.json: which pipeline a folder is for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/families/model_plan.h"

namespace imagined::engine {

struct Family;

/// A class that runs a family's models.
struct PipelineClass {
  std::string_view name;
  bool cached_references = false;
  bool takes_references = false;  // of a family whose other models take none
  bool distilled = false;         // unless the index says something else
};

/// A part of a pipeline and the classes that may fill it.
struct PipelineComponent {
  const char* key;
  std::array<std::string_view, 2> classes;  // published and newer spelling, or the same twice
};

/// What the index says.
struct PipelineIndex {
  const Family* family = nullptr;
  bool distilled = false;
  bool cached_references = false;
  bool takes_references = false;
  std::optional<std::int64_t> max_references;  // none: as many as its family takes
  TextConfig text;
};

/// `file` is what errors call the text: model_index.json, or modular_model_index.json, whose parts
/// have a third entry. Errors: `invalid_argument`; `unimplemented` for a pipeline of none of the
/// families or a part of another class.
Result<PipelineIndex> parse_pipeline_index(std::string_view json, std::string_view file,
                                           std::span<const Family* const> families);

}  // namespace imagined::engine
