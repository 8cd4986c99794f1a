// The index that joins the shards of a network's weights.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"

namespace imagined::engine {

/// Tensor name to the name of a file in the same folder. Errors: those of reading the text;
/// `data_loss` for no JSON; `invalid_argument` for a broken map, or a name with a path separator.
Result<std::map<std::string, std::string>> read_weight_index(const std::filesystem::path& path);

}  // namespace imagined::engine
