#include "config/paths.h"

#include <optional>
#include <string_view>
#include <vector>

namespace imagined::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBuiltInModel = "paperland";

// A variable that is set and not empty.
std::optional<std::string> variable(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  if (found == environment.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

// One place for a user, whatever the folder that a command is typed in.
Result<fs::path> find_data_dir(const Settings& settings, const Environment& environment) {
  if (!settings.data_dir.empty()) return fs::absolute(settings.data_dir);
  if (const auto home = variable(environment, "XDG_DATA_HOME")) return fs::path(*home) / "imagined";
  if (const auto home = variable(environment, "HOME")) {
    return fs::path(*home) / ".local/share/imagined";
  }
  return fail(ErrorCode::failed_precondition,
              "data_dir: HOME is not set, so there is no folder of its own; say where with "
              "--data-dir",
              "data_dir");
}

Result<fs::path> find_models_dir(const Settings& settings, const fs::path& executable) {
  if (!settings.models_dir.empty()) return fs::absolute(settings.models_dir);
  std::error_code ignored;
  // Of a source tree: build/release/imagined and models/; of an installed one: bin and share.
  for (fs::path folder = executable.parent_path();; folder = folder.parent_path()) {
    for (const char* place : {"models", "share/imagined/models"}) {
      if (fs::is_directory(folder / place / kBuiltInModel, ignored)) return folder / place;
    }
    if (folder == folder.parent_path()) break;
  }
  return fail(ErrorCode::not_found,
              "the built-in model is not beside the program; say where with --models-dir",
              "models_dir");
}

}  // namespace

std::string find_file(const ConfigFlags& flags, const Environment& environment) {
  if (!flags.file.empty()) return flags.file;
  if (const auto file = variable(environment, kConfigVariable)) return *file;
  std::vector<fs::path> folders;
  if (const auto own = variable(environment, "XDG_CONFIG_HOME")) {
    folders.emplace_back(*own);
  } else if (const auto home = variable(environment, "HOME")) {
    folders.push_back(fs::path(*home) / ".config");
  }
  folders.emplace_back("/etc");
  for (const fs::path& folder : folders) {
    const fs::path file = folder / "imagined/imagined.toml";
    std::error_code ignored;
    if (fs::exists(file, ignored)) return file;
  }
  return {};
}

Result<void> resolve_paths(const Environment& environment, const fs::path& executable,
                           Config& config) {
  config.settings.data_dir = TRY(find_data_dir(config.settings, environment));
  for (ModelSettings& model : config.models) {
    if (!model.path.empty() || model.elsewhere) continue;
    model.path = TRY(find_models_dir(config.settings, executable)) / kBuiltInModel;
    model.path_is_ours = true;
    guide_by_steps(model);
  }
  return {};
}

}  // namespace imagined::config
