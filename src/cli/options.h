// Options that several subcommands share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.h"
#include "config/config.h"
#include "engine/engine.h"

namespace imagined::cli {

using config::Config;
using config::ConfigFlags;
using config::ModelSettings;
using config::Settings;

inline constexpr const char* kJsonHelp = "Report as JSON on stdout";
inline constexpr const char* kModelHelp = "A configured model, or a folder or file of weights";

/// Adds --config, --set and one flag per setting on the list (all, when it is empty); what is given
/// lands in `flags`, which must live as long as the command. The file and the environment may hold
/// any setting.
void add_config_options(Command& command, ConfigFlags& flags,
                        const std::vector<std::string_view>& names = {});

/// The settings of commands that run the engine themselves.
std::vector<std::string_view> engine_settings();

/// Whether a command can do its work without the built-in model.
enum class BuiltInModel : std::uint8_t { needed, dispensable };

/// A worker that a server has started is silent about what the server has said already.
enum class Warnings : std::uint8_t { said, silent };

/// The configuration with the environment of this process and absolute paths; sets the log level.
/// The built-in model must be there unless it is dispensable or `model` is a folder or file of
/// another one; where it is not, models that have no path of their own keep none.
Result<Config> load_config(const ConfigFlags& flags, const std::string& model = {},
                           BuiltInModel built_in = BuiltInModel::needed,
                           Warnings warnings = Warnings::said);

/// The catalogue's model, or a model at `name` when that is a folder or file; without a name the
/// first that is offered for what is wanted. `not_found`.
Result<ModelSettings> choose_model(const Config& config, const std::string& name,
                                   service::Makes wanted = service::Makes::pictures);

/// The same, of a model that is offered for what is wanted. `invalid_argument`, field "model",
/// where its `makes` says that it is not, with one that is.
Result<ModelSettings> choose_maker(const Config& config, const std::string& name,
                                   service::Makes wanted);

/// How the settings say the engine is to run a model.
engine::ModelChoices model_choices(const ModelSettings& model);
engine::LoadOptions load_options(const Config& config, const ModelSettings& model);

}  // namespace imagined::cli
