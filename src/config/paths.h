// Where the configuration, the data and the models are when nobody says so.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace imagined::config {

/// The variable that names the configuration's file.
inline constexpr std::string_view kConfigVariable = "IMAGINED_CONFIG";

/// The file that was asked for, else the user's, else the machine's; empty: none.
std::string find_file(const ConfigFlags& flags, const Environment& environment);

/// Replaces what is empty by what it stands for, and relative paths by absolute ones: the data
/// folder (`failed_precondition` when there is no HOME for it) and the path of each model.
/// `executable` is where the built-in model is looked for: `not_found`, field "models_dir", when a
/// model needs it and it is not there.
Result<void> resolve_paths(const Environment& environment, const std::filesystem::path& executable,
                           Config& config);

}  // namespace imagined::config
