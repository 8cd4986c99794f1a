#include "config/config.h"

#include <fmt/core.h>

#include <toml++/toml.h>
#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "base/nearest.h"
#include "base/words.h"
#include "config/checks.h"
#include "config/faults.h"
#include "config/paths.h"

namespace imagined::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSettingsBytesMax = 1 << 20;
constexpr std::string_view kSetForm = "models.NAME.KEY=VALUE";

std::string place(std::string_view file, const toml::node& node) {
  return fmt::format("{}:{}", file, node.source().begin.line);
}

ModelValue to_model_value(const toml::node& node) {
  ModelValue value;
  if (const auto* text = node.as_string()) {
    value = {ModelValue::Type::text, text->get(), {}};
  } else if (const auto* whole = node.as_integer()) {
    value = {ModelValue::Type::whole, fmt::format("{}", whole->get()), {}};
  } else if (const auto* decimal = node.as_floating_point()) {
    value = {ModelValue::Type::decimal, fmt::format("{}", decimal->get()), {}};
  } else if (const auto* truth = node.as_boolean()) {
    value = {ModelValue::Type::truth, truth->get() ? "true" : "false", {}};
  } else if (const auto* array = node.as_array()) {
    value.type = array->empty() || array->front().is_string() ? ModelValue::Type::texts
                                                              : ModelValue::Type::tables;
    for (const toml::node& element : *array) {
      const auto* name = element.as_string();
      const auto* table = element.as_table();
      if (name != nullptr && value.type == ModelValue::Type::texts) {
        value.texts.push_back(name->get());
      } else if (table != nullptr && value.type == ModelValue::Type::tables) {
        std::vector<ModelEntry>& entries = value.tables.emplace_back();
        for (const auto& [key, inner] : *table)
          entries.push_back({std::string(key.str()), to_model_value(inner)});
      } else {
        return {};
      }
    }
  }
  return value;
}

// The entries of a table in the order of the file; toml++ sorts them by name.
std::vector<std::pair<std::string, const toml::node*>> in_order(const toml::table& table) {
  std::vector<std::pair<std::string, const toml::node*>> entries;
  for (const auto& [key, node] : table) entries.emplace_back(std::string(key.str()), &node);
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.second->source().begin < b.second->source().begin;
  });
  return entries;
}

ModelSettings* find_model(std::vector<ModelSettings>& models, std::string_view name) {
  const auto found = std::find_if(models.begin(), models.end(),
                                  [&](const ModelSettings& model) { return model.name == name; });
  return found == models.end() ? nullptr : &*found;
}

// What a model starts from: the default of the same name, or an empty one.
ModelSettings starting_model(std::string_view name) {
  auto defaults = default_models();
  if (const ModelSettings* known = find_model(defaults, name)) return *known;
  return {.name = std::string(name)};
}

// A path in a file is meant from where the file is.
std::string path_from(const std::string& file, const std::string& path) {
  return (fs::absolute(fs::path(file)).parent_path() / path).lexically_normal();
}

ModelSettings read_model(const std::string& file, std::string_view name, const toml::table& table,
                         Faults& faults) {
  ModelSettings model = starting_model(name);
  for (const auto& [key, value] : in_order(table)) {
    faults.add(fmt::format("{}: models.{}", place(file, *value), name),
               assign_model_value(key, to_model_value(*value), model));
  }
  if (table.contains("path")) model.path = path_from(file, model.path);
  for (auto& [part, path] : model.parts) path = path_from(file, path);
  for (LoraSettings& lora : model.loras) lora.path = path_from(file, lora.path);
  return model;
}

// The models of a file are the whole list: what it doesn't name is not served, which surprises who
// only wanted to change one of the built-in names.
void apply_models(const std::string& file, const toml::node& node, Config& config, Faults& faults) {
  const auto* tables = node.as_table();
  if (tables == nullptr) {
    return faults.add(place(file, node), "models: expected tables, write [models.NAME]");
  }
  const std::vector<ModelSettings> built_in = std::exchange(config.models, {});
  for (const auto& [name, model] : in_order(*tables)) {
    if (const auto* table = model->as_table()) {
      config.models.push_back(read_model(file, name, *table, faults));
    } else {
      faults.add(place(file, *model),
                 fmt::format("models.{}: expected a table, write [models.{}]", name, name));
    }
  }
  const auto listed = [&](const ModelSettings& model) { return tables->contains(model.name); };
  if (std::none_of(built_in.begin(), built_in.end(), listed)) return;
  std::vector<std::string> lost;
  for (const ModelSettings& model : built_in)
    if (!listed(model)) lost.push_back(model.name);
  if (lost.empty()) return;
  config.warnings.push_back(fmt::format(
      "{}: models: {} not served, for the models of a file replace the built-in list; [models.{}] "
      "keeps {}",
      file, join_words(lost, ", ") + (lost.size() == 1 ? " is" : " are"), lost.front(),
      lost.size() == 1 ? "it" : "the first of them"));
}

/// Reads the tables of [KIND.NAME], each by `assign` and `check`.
template <class Settings>
void apply_tables(const std::string& file, std::string_view kind, const toml::node& node,
                  std::vector<Settings>& all, Faults& faults,
                  Result<void> (*assign)(std::string_view, const ModelValue&, Settings&),
                  Result<void> (*check)(const Settings&)) {
  const auto* tables = node.as_table();
  if (tables == nullptr) {
    return faults.add(place(file, node),
                      fmt::format("{0}: expected tables, write [{0}.NAME]", kind));
  }
  for (const auto& [name, child] : in_order(*tables)) {
    const auto* table = child->as_table();
    const std::string where = fmt::format("{}: {}.{}", place(file, *child), kind, name);
    if (table == nullptr) {
      faults.add(where, fmt::format("expected a table, write [{}.{}]", kind, name));
      continue;
    }
    Settings settings{.name = name};
    for (const auto& [key, value] : in_order(*table)) {
      auto assigned = assign(key, to_model_value(*value), settings);
      if (!assigned) faults.note(fmt::format("{}.{}.{}", kind, name, key));
      faults.add(fmt::format("{}: {}.{}", place(file, *value), kind, name), std::move(assigned));
    }
    auto checked = check(settings);
    const bool is_said =
        !checked && faults.noted(fmt::format("{}.{}.{}", kind, name, checked.error().field));
    if (!is_said) faults.add(where, std::move(checked));
    all.push_back(std::move(settings));
  }
}

void apply_file_value(const std::string& file, const std::string& key, const toml::node& node,
                      Config& config, Faults& faults) {
  const std::string where = place(file, node);
  const Setting* setting = find_setting(key);
  if (setting == nullptr) {
    std::vector<std::string_view> names = {"models", "upstreams", "chats"};
    for (const Setting& known : all_settings()) names.push_back(known.name);
    return faults.add(where,
                      fmt::format("{}: there is no such setting{}", key, did_you_mean(key, names)));
  }
  const auto wanted = is_number(*setting)   ? ModelValue::Type::whole
                      : is_switch(*setting) ? ModelValue::Type::truth
                                            : ModelValue::Type::text;
  const ModelValue value = to_model_value(node);
  if (value.type != wanted) {
    return faults.add(
        where, fmt::format("{}: expected {}, got {}", key, expectation(*setting),
                           value.type == ModelValue::Type::text
                               ? fmt::format("the text \"{}\", write it without quotes", value.text)
                           : value.text.empty()               ? "a list or table"
                           : wanted == ModelValue::Type::text ? value.text + ", write it in quotes"
                                                              : value.text));
  }
  const bool is_path =
      (setting->name.ends_with("_dir") || setting->name.ends_with("_file")) && !value.text.empty();
  faults.add(where,
             assign(*setting, is_path ? path_from(file, value.text) : value.text, config.settings));
  config.sources[key] = where;
}

Result<toml::table> parse_toml(const std::string& text, const std::string& file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& broken) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}:{}: {}", file, broken.source().begin.line, broken.description()));
  }
}

Result<void> apply_file(const std::string& file, Config& config, Faults& faults) {
  auto text = read_file(file, file, kSettingsBytesMax);
  if (!text) {
    text.error().field = "config";
    return tl::unexpected(std::move(text.error()));
  }
  const toml::table table = TRY(parse_toml(*text, file));
  for (const auto& [key, node] : in_order(table)) {
    if (key == "models") {
      apply_models(file, *node, config, faults);
    } else if (key == "upstreams") {
      apply_tables(file, key, *node, config.upstreams, faults, assign_upstream_value,
                   check_upstream);
    } else if (key == "chats") {
      apply_tables(file, key, *node, config.chats, faults, assign_chat_value, check_chat);
    } else {
      apply_file_value(file, key, *node, config, faults);
    }
  }
  return {};
}

void apply_environment(const Environment& environment, Config& config, Faults& faults) {
  std::vector<std::string> names = {std::string(kConfigVariable)};
  for (const Setting& setting : all_settings()) {
    const std::string name = names.emplace_back(environment_name(setting));
    const auto found = environment.find(name);
    if (found == environment.end()) continue;
    faults.add(name, assign(setting, found->second, config.settings));
    config.sources[std::string(setting.name)] = name;
  }
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("IMAGINED_") ||
        std::find(names.begin(), names.end(), name) != names.end()) {
      continue;
    }
    const std::vector<std::string_view> known(names.begin(), names.end());
    config.warnings.push_back(
        fmt::format("{}: there is no such setting{}", name, did_you_mean(name, known)));
  }
}

ModelValue value_of_flag(std::string_view text) {
  try {
    const auto table = toml::parse(fmt::format("value = {}", text));
    return to_model_value(*table.get("value"));
  } catch (const toml::parse_error&) {
    return {ModelValue::Type::text, std::string(text), {}};
  }
}

// models.NAME.KEY=VALUE; a name may hold dots, a key has none.
void apply_assignment(const std::string& assignment, Config& config, Faults& faults) {
  const std::string where = fmt::format("--set {}", assignment);
  const auto equals = assignment.find('=');
  const auto target = std::string_view(assignment).substr(0, equals);
  const auto dot = target.rfind('.');
  if (equals == std::string::npos || !target.starts_with("models.") || dot < 8) {
    return faults.add(where, fmt::format("expected {}", kSetForm), "set");
  }
  const auto name = target.substr(7, dot - 7);
  const auto key = target.substr(dot + 1);
  const auto text = std::string_view(assignment).substr(equals + 1);
  ModelValue value = value_of_flag(text);
  // A price or path on a command line needs no quotes of its own.
  const bool is_part = std::find(part_keys().begin(), part_keys().end(), key) != part_keys().end();
  const bool is_price = key.starts_with("price_");
  if (is_price || key == "path" || is_part) {
    if (value.type != ModelValue::Type::text)
      value = {ModelValue::Type::text, std::string(text), {}};
  }
  ModelSettings* model = find_model(config.models, name);
  if (model == nullptr) {
    config.models.push_back(starting_model(name));
    model = &config.models.back();
  }
  auto assigned = assign_model_value(key, value, *model);
  if (assigned && key == "path") model->path = fs::absolute(model->path).lexically_normal();
  if (assigned && is_part) {
    std::string& path = model->parts.find(key)->second;
    path = fs::absolute(path).lexically_normal();
  }
  if (assigned && key == "loras")
    for (LoraSettings& lora : model->loras) lora.path = fs::absolute(lora.path).lexically_normal();
  faults.add(where, std::move(assigned));
}

void apply_flags(const ConfigFlags& flags, Config& config, Faults& faults) {
  for (const auto& [name, text] : flags.values) {
    const Setting& setting = *find_setting(name);
    faults.add(flag_name(setting), assign(setting, text, config.settings));
    config.sources[name] = flag_name(setting);
  }
  for (const std::string& assignment : flags.assignments) {
    apply_assignment(assignment, config, faults);
  }
}

}  // namespace

Result<Config> load_config(const ConfigFlags& flags, const Environment& environment) {
  Config config{.models = default_models()};
  Faults faults;
  config.file = find_file(flags, environment);
  if (!config.file.empty()) {
    // A file that cannot be read at all leaves the others to be judged.
    if (auto applied = apply_file(config.file, config, faults); !applied) {
      faults.add(std::move(applied.error()));
    }
  }
  apply_environment(environment, config, faults);
  apply_flags(flags, config, faults);
  check_whole(config, faults);
  TRY(faults.finish());
  warn_of_surprises(config);
  while (config.settings.public_url.ends_with('/')) config.settings.public_url.pop_back();
  return config;
}

Result<service::Catalogue> make_catalogue(const Config& config, const CardOf& card_of) {
  std::vector<service::Talker> talkers;
  const auto add = [&talkers](std::string_view name, std::string makes) {
    if (std::ranges::find(talkers, name, &service::Talker::name) == talkers.end())
      talkers.push_back({.name = std::string(name), .makes = std::move(makes)});
  };
  for (const ChatSettings& chat : config.chats) add(chat.name, chat.makes);
  for (const UpstreamSettings& upstream : config.upstreams)
    for (const std::string& model : upstream.models) add(split_upstream_model(model).name, {});
  return make_catalogue(config.models, card_of, std::move(talkers));
}

}  // namespace imagined::config
