#pragma once

#include "engine/families/model_folder.h"

namespace imagined::engine {

/// Layout 2 of model_folder.h: a file with a transformer, its other parts around it.
Result<ModelFolder> open_single_file(const std::filesystem::path& file);

}  // namespace imagined::engine
