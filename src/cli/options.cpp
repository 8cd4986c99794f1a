#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/nearest.h"
#include "cli/machine.h"
#include "cli/process.h"
#include "config/paths.h"
#include "hub/known_models.h"

namespace imagined::cli {
namespace {

LogLevel log_level_of(std::string_view word) {
  if (word == "debug") return LogLevel::debug;
  if (word == "warn") return LogLevel::warn;
  if (word == "error") return LogLevel::error;
  if (word == "off") return LogLevel::off;
  return LogLevel::info;
}

std::string help_of(const config::Setting& setting) {
  std::string text(setting.help);
  const std::string value = value_text(setting, Settings{});
  if (is_number(setting) || !setting.choices.empty()) {
    text += "; " + expectation(setting);
  }
  if (!value.empty()) text += " [" + value + "]";
  return text + " (" + environment_name(setting) + ")";
}

/// By name or alias; null when there is none.
const ModelSettings* find_named(const Config& config, const std::string& name) {
  for (const ModelSettings& model : config.models) {
    const auto& aliases = model.aliases;
    if (model.name == name || std::find(aliases.begin(), aliases.end(), name) != aliases.end()) {
      return &model;
    }
  }
  return nullptr;
}

bool is_offered_for(const ModelSettings& model, service::Makes wanted) {
  return model.makes == service::Makes::all || model.makes == wanted;
}

/// Of those that this machine runs; null when there is none.
const ModelSettings* first_maker(const Config& config, service::Makes wanted) {
  const auto found = std::ranges::find_if(config.models, [wanted](const ModelSettings& model) {
    return !model.elsewhere && is_offered_for(model, wanted);
  });
  return found == config.models.end() ? nullptr : &*found;
}

}  // namespace

void add_config_options(Command& command, ConfigFlags& flags,
                        const std::vector<std::string_view>& names) {
  const auto add = [&](std::string name, Target target, std::string help, const char* value_name,
                       std::vector<std::string> usual = {}, std::string if_bare = {}) {
    command.options.push_back(
        {std::move(name),
         std::move(target),
         std::move(help),
         {.usual = std::move(usual), .value_name = value_name, .if_bare = std::move(if_bare)},
         OptionGroup::settings});
  };
  add("--config", &flags.file, "TOML file of settings and models (IMAGINED_CONFIG)", "FILE");
  add("--set", &flags.assignments,
      fmt::format("One value of a model: models.NAME.KEY=VALUE, with {}",
                  fmt::join(config::model_keys(), ", ")),
      "ASSIGNMENT");
  for (const config::Setting& setting : config::all_settings()) {
    if (!names.empty() && std::find(names.begin(), names.end(), setting.name) == names.end()) {
      continue;
    }
    const auto take = [&flags, name = std::string(setting.name)](const std::string& value) {
      flags.values[name] = value;
    };
    add(flag_name(setting), take, help_of(setting), is_number(setting) ? "NUMBER" : "TEXT",
        {setting.choices.begin(), setting.choices.end()}, is_switch(setting) ? "true" : "");
  }
}

std::vector<std::string_view> engine_settings() {
  return {"models_dir",   "device",           "precision",   "long_prompt", "threads",
          "jpeg_quality", "picture_metadata", "video_codec", "log_level"};
}

Result<Config> load_config(const ConfigFlags& flags, const std::string& model,
                           BuiltInModel built_in, Warnings warnings) {
  const config::Environment environment = process_environment();
  Config config = TRY(config::load_config(flags, environment));
  for (const std::string& warning : config.warnings) {
    if (warnings == Warnings::silent) break;
    fmt::print(stderr, "imagined: warning: {}\n", warning);
  }
  const Result<void> resolved = resolve_paths(environment, this_executable(), config);
  // Whoever names a folder or file needs no built-in model.
  const bool needless = built_in == BuiltInModel::dispensable ||
                        (find_named(config, model) == nullptr && std::filesystem::exists(model));
  if (!resolved && !(needless && resolved.error().field == "models_dir")) {
    return tl::unexpected(resolved.error());
  }
  set_log_level(log_level_of(config.settings.log_level));
  return config;
}

Result<ModelSettings> choose_model(const Config& config, const std::string& name,
                                   service::Makes wanted) {
  if (name.empty()) {
    if (const ModelSettings* model = first_maker(config, wanted)) return *model;
    return *std::ranges::find(config.models, false, &ModelSettings::elsewhere);
  }
  if (const ModelSettings* model = find_named(config, name)) {
    if (!model->elsewhere) return *model;
    return fail(
        ErrorCode::failed_precondition,
        fmt::format("model \"{}\" is made by {}", name,
                    model->upstreams.empty() ? "another machine's worker"
                                             : "other servers, which `imagined serve` asks"),
        "model");
  }
  if (std::filesystem::exists(name)) {
    return ModelSettings{.name = name, .path = name, .steps = 0};
  }
  std::string names;
  std::vector<std::string_view> all;
  for (const ModelSettings& model : config.models) {
    names += (names.empty() ? "" : ", ") + model.name;
    all.push_back(model.name);
    all.insert(all.end(), model.aliases.begin(), model.aliases.end());
  }
  const auto* known = hub::find_known_model(name);
  return fail(ErrorCode::not_found,
              fmt::format("model \"{}\" is neither one of {} nor a folder or file{}", name, names,
                          known == nullptr
                              ? did_you_mean(name, all)
                              : fmt::format("; `imagined models pull {}` fetches it", known->name)),
              "model");
}

Result<ModelSettings> choose_maker(const Config& config, const std::string& name,
                                   service::Makes wanted) {
  ModelSettings model = TRY(choose_model(config, name, wanted));
  if (is_offered_for(model, wanted)) return model;
  const bool videos = wanted == service::Makes::videos;
  const ModelSettings* other = first_maker(config, wanted);
  return fail(ErrorCode::invalid_argument,
              fmt::format("model \"{}\" makes no {}: its `makes` is \"{}\"{}", model.name,
                          videos ? "videos" : "pictures", videos ? "pictures" : "videos",
                          other == nullptr ? ", and no other model here makes any"
                                           : fmt::format("; \"{}\" does", other->name)),
              "model");
}

engine::ModelChoices model_choices(const ModelSettings& model) {
  engine::ModelChoices choices{
      .parts = {}, .distilled = model.distilled, .cached_references = model.cached_references};
  for (const auto& [part, path] : model.parts) choices.parts.emplace(part, path);
  for (const config::LoraSettings& lora : model.loras)
    choices.loras.push_back({.path = lora.path, .scale = static_cast<float>(lora.scale)});
  return choices;
}

engine::LoadOptions load_options(const Config& config, const ModelSettings& model) {
  const Settings& settings = config.settings;
  return {.path = model.path,
          .choices = model_choices(model),
          .long_prompt = settings.long_prompt == "refuse" ? engine::LongPrompt::refuse
                                                          : engine::LongPrompt::cut,
          .precision =
              engine::precision_of(model.precision.empty() ? settings.precision : model.precision),
          .threads = static_cast<int>(settings.threads),
          .device = settings.device,
          .memory = [] {
            const Memory memory = inspect_memory();
            return engine::MachineMemory{.total_bytes = memory.total_bytes,
                                         .free_bytes = memory.free_bytes};
          }};
}

}  // namespace imagined::cli
