// Where the parts of a model lie: names of files and folders, nothing of what is in them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/formats/folder.h"

namespace imagined::engine {

/// Whether a component folder has weights in it.
bool holds_weights(const std::filesystem::path& folder);

/// The folders in which a single file's other parts may lie: its own, then the one above.
std::vector<std::filesystem::path> neighbourhood(const std::filesystem::path& file);

// The places of model_folder.h, in its order.
Result<std::filesystem::path> find_text_encoder(const std::filesystem::path& file);
Result<std::filesystem::path> find_clip(const std::filesystem::path& file);
Result<std::filesystem::path> find_t5(const std::filesystem::path& file);
Result<std::filesystem::path> find_vae(const std::filesystem::path& file);

/// The one transformer file of a folder that is not laid out as diffusers does.
Result<std::filesystem::path> only_transformer(const std::filesystem::path& root);

}  // namespace imagined::engine
