// Files and folders by name, nothing of what is in them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::engine {

bool is_file(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);

/// "FLUX.2-klein-4B" for ".../FLUX.2-klein-4B/" too.
std::string last_name(const std::filesystem::path& path);

/// `not_found`: "NAME: WHAT is missing".
tl::unexpected<Error> missing(const std::filesystem::path& root, std::string_view what);

/// Whether a name ends as one of a format that WeightFile reads, in any case, and does not begin
/// with a dot: macOS puts a `._NAME` with other things in it beside each file.
bool is_weight_file_name(const std::filesystem::path& path);

/// All weight files directly in a folder (is_weight_file_name), sorted.
std::vector<std::filesystem::path> weight_files_in(const std::filesystem::path& folder);

}  // namespace imagined::engine
