#include "config/config.h"

#include <fmt/core.h>

#include <toml++/toml.h>
#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "base/nearest.h"
#include "base/words.h"
#include "net/url.h"
#include "service/billing/money.h"

namespace imagined::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSettingsBytesMax = 1 << 20;
constexpr std::string_view kBuiltInModel = "paperland";
// Guidance makes few steps worse; many are as good with a little of it (docs/paperland.md).
constexpr int kGuidedSteps = 8;
constexpr float kBuiltInGuidance = 1.5f;
constexpr std::string_view kConfigVariable = "IMAGINED_CONFIG";
constexpr std::string_view kSetForm = "models.NAME.KEY=VALUE";

// Whatever is wrong, so that one look is enough to put all of it right.
class Faults {
 public:
  void add(Error error) {
    if (!first_) {
      first_ = std::move(error);
    } else {
      first_->message += "\n" + error.message;
    }
  }
  void add(std::string_view where, std::string_view what, std::string field = {}) {
    add(Error{
        ErrorCode::invalid_argument, fmt::format("{}: {}", where, what), std::move(field), {}});
  }
  void add(std::string_view where, Result<void> result) {
    if (result) return;
    result.error().message = fmt::format("{}: {}", where, result.error().message);
    add(std::move(result.error()));
  }

  /// That a key of a table, "upstreams.local.models", has a value that cannot be read: nobody is
  /// told that it is missing.
  void note(std::string key) { unreadable_.insert(std::move(key)); }
  bool noted(const std::string& key) const { return unreadable_.contains(key); }

  Result<void> finish() {
    if (first_) return tl::unexpected(std::move(*first_));
    return {};
  }

 private:
  std::optional<Error> first_;  // with the messages of all
  std::set<std::string> unreadable_;
};

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
  for (const ModelSettings& model : built_in) {
    if (listed(model)) continue;
    config.warnings.push_back(fmt::format(
        "{}: models: {} is not served, for the models of a file replace the built-in list; "
        "[models.{}] keeps it",
        file, model.name, model.name));
  }
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

// Whoever makes a model is one of the servers that are named, and is named for something.
void check_upstream_models(const Config& config, Faults& faults) {
  std::set<std::string_view> used;
  for (const ModelSettings& model : config.models) {
    for (const std::string& text : model.upstreams) {
      const std::string_view name = split_upstream_model(text).name;
      used.insert(name);
      if (std::ranges::find(config.upstreams, name, &UpstreamSettings::name) !=
          config.upstreams.end())
        continue;
      faults.add(fmt::format("models.{}", model.name),
                 fmt::format("upstreams: there is no [upstreams.{}]", name));
    }
    if (!model.upstreams.empty() && !model.path.empty())
      faults.add(fmt::format("models.{}", model.name),
                 "upstreams: a model has a path or upstreams that make it, not both");
  }
  for (const UpstreamSettings& upstream : config.upstreams)
    if (upstream.models.empty() && !used.contains(upstream.name) &&
        !faults.noted(fmt::format("upstreams.{}.models", upstream.name)))
      faults.add(fmt::format("upstreams.{}", upstream.name),
                 "models: is missing: which models are to be asked for there");
}

void warn_of_pictures_for_nothing(Config& config) {
  for (const ModelSettings& model : config.models) {
    const bool sells_seconds =
        model.price_second_usd_ticks > 0 || model.price_second_720p_usd_ticks > 0;
    if (sells_seconds && model.price_usd_ticks == 0 && !model.makes_videos)
      config.warnings.push_back(fmt::format(
          "models.{}: has a price for a second of a video and none for a picture: the pictures "
          "that it makes cost nothing without price_usd",
          model.name));
  }
}

// Names that two have: what a server makes itself is never passed on, and a pair hides the model of
// its name.
void warn_of_hidden_names(Config& config) {
  const auto own = [&](std::string_view name) {
    return std::ranges::find_if(config.models, [&](const ModelSettings& model) {
             return model.name == name || std::ranges::count(model.aliases, name) > 0;
           }) != config.models.end();
  };
  for (const UpstreamSettings& upstream : config.upstreams) {
    for (const std::string& text : upstream.models) {
      const std::string_view name = split_upstream_model(text).name;
      if (own(name))
        config.warnings.push_back(
            fmt::format("upstreams.{}: models: \"{}\" is the name of a model under [models], which "
                        "answers; the "
                        "upstream's is never asked. \"OTHER={}\" gives it another name",
                        upstream.name, name, split_upstream_model(text).there));
      else if (std::ranges::find(config.chats, name, &ChatSettings::name) != config.chats.end())
        config.warnings.push_back(
            fmt::format("chats.{}: hides the model of this name of upstreams.{}: who asks for it "
                        "gets the pair",
                        name, upstream.name));
    }
  }
}

void check_chats(const Config& config, Faults& faults) {
  for (const ChatSettings& chat : config.chats) {
    const std::string where = fmt::format("chats.{}", chat.name);
    const auto talks = [&](const UpstreamSettings& upstream) {
      return std::ranges::any_of(upstream.models, [&](const std::string& text) {
        return split_upstream_model(text).name == chat.talks;
      });
    };
    const auto is_called = [](const ModelSettings& model, const std::string& name) {
      return model.name == name || std::ranges::count(model.aliases, name) > 0;
    };
    const auto makes = [&](const ModelSettings& model) {
      return is_called(model, chat.makes) && !model.makes_videos;
    };
    if (!chat.talks.empty() && std::ranges::none_of(config.upstreams, talks))
      faults.add(where, fmt::format("talks: no upstream has a model {:?}", chat.talks));
    if (!chat.makes.empty() && std::ranges::none_of(config.models, makes))
      faults.add(where, fmt::format("makes: no model {:?} makes pictures", chat.makes));
    if (std::ranges::any_of(config.models, [&](const auto& m) { return is_called(m, chat.name); }))
      faults.add(where, "there is a model of this name, which makes pictures");
  }
}

// A server has a worker of its own, which needs something to load.
void check_models(const std::vector<ModelSettings>& models, Faults& faults) {
  if (!models.empty() && std::ranges::all_of(models, &ModelSettings::elsewhere)) {
    faults.add("models", "every model is made elsewhere; one at least must be this machine's own");
  }
}

// What a browser says of where a page is from: scheme, host and perhaps port, all in lower case.
// The scheme may be that of an app.
bool is_origin(std::string_view text) {
  const auto end = text.find("://");
  if (end == std::string_view::npos || end == 0) return false;
  const std::string_view host = text.substr(end + 3);
  return !host.empty() && host.find_first_of("/?#@") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) {
           return c > ' ' && c < '\x7F' && c != ',' && !(c >= 'A' && c <= 'Z');
         });
}

bool is_every_address(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

// Where we are found, and where others are.
void check_addresses(const Settings& settings, Faults& faults) {
  const auto expected = [&](std::string_view setting, std::string_view what,
                            const std::string& text) {
    faults.add(setting, fmt::format("expected {}, got {:?}", what, text));
  };
  const std::string& url = settings.public_url;
  if (!url.empty() && !is_base_url(url))
    expected("public_url", "http:// or https:// with a host, and no query", url);
  if (!settings.moderation_url.empty() && !net::parse_url(settings.moderation_url))
    expected("moderation_url", "a URL such as https://api.openai.com/v1/moderations",
             settings.moderation_url);
  const std::string& origin = settings.cors_origin;
  if (!origin.empty() && origin != "*" && origin != "null" && !is_origin(origin))
    expected("cors_origin", "*, nothing, or one origin such as https://app.example without a path",
             origin);
  const auto http = parse_listen_address(settings.http_listen);
  const auto grpc = parse_grpc_listen(settings.grpc_listen);
  if (http && grpc && *grpc && http->port != 0 && http->port == (*grpc)->port &&
      (http->host == (*grpc)->host || is_every_address(http->host) ||
       is_every_address((*grpc)->host)))
    faults.add("grpc_listen", fmt::format("{:?} is where HTTP listens (http_listen), expected "
                                          "another port, or off",
                                          settings.grpc_listen));
}

// Texts whose form matters at once, not at the first request.
void check_texts(const Settings& settings, Faults& faults) {
  if (const auto address = parse_listen_address(settings.http_listen); !address) {
    faults.add(address.error());
  }
  if (const auto address = parse_grpc_listen(settings.grpc_listen); !address) {
    faults.add(address.error());
  }
  check_addresses(settings, faults);
  const std::string& prefix = settings.key_prefix;
  const bool plain = std::all_of(prefix.begin(), prefix.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  if (prefix.empty() || prefix.size() > 16 || !plain) {
    faults.add("key_prefix",
               fmt::format("expected up to 16 letters and digits, got \"{}\"", prefix));
  }
}

// A variable that is set and not empty.
std::optional<std::string> variable(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  if (found == environment.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

// The file that was asked for, else the user's, else the machine's; empty: none.
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

// Of the built-in model.
void guide_by_steps(ModelSettings& model) {
  if (model.guidance || model.steps < kGuidedSteps) return;
  model.guidance = kBuiltInGuidance;
  model.guidance_is_ours = true;
}

std::string toml_quoted(std::string_view text) {
  std::ostringstream out;
  out << toml::value<std::string>(std::string(text));
  return out.str();
}

std::string toml_value(const Setting& setting, const Settings& settings) {
  const std::string value = value_text(setting, settings);
  return is_number(setting) || is_switch(setting) ? value : toml_quoted(value);
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
  check_texts(config.settings, faults);
  check_models(config.models, faults);
  check_upstream_models(config, faults);
  check_chats(config, faults);
  TRY(faults.finish());
  warn_of_pictures_for_nothing(config);
  warn_of_hidden_names(config);
  while (config.settings.public_url.ends_with('/')) config.settings.public_url.pop_back();
  return config;
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

Result<ListenAddress> parse_listen_address(std::string_view text, std::string_view setting) {
  const auto colon = text.rfind(':');
  ListenAddress address;
  if (colon != std::string_view::npos) {
    auto host = text.substr(0, colon);
    const auto port = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
    address.host = host.empty() ? "127.0.0.1" : std::string(host);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error == std::errc() && end == port.data() + port.size()) return address;
  }
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{}: expected ADDRESS:PORT such as 127.0.0.1:8080, got \"{}\"", setting, text),
      std::string(setting));
}

Result<std::optional<ListenAddress>> parse_grpc_listen(std::string_view text) {
  if (text == "off") return std::nullopt;
  return TRY(parse_listen_address(text, "grpc_listen"));
}

namespace {

std::string where_it_is_made(const ModelSettings& model) {
  if (model.upstreams.empty()) return model.elsewhere ? "elsewhere = true\n" : "";
  std::vector<std::string> upstreams;
  for (const std::string& upstream : model.upstreams) upstreams.push_back(toml_quoted(upstream));
  return fmt::format("upstreams = [{}]\nmakes = \"{}\"\nmax_references = {}\n",
                     join_words(upstreams, ", "), model.makes_videos ? "videos" : "pictures",
                     model.references_max);
}

// What nobody has given is a remark, so that a file made of this follows the same rules when the
// rest of it is changed.
std::string given_line(std::string_view line, bool is_ours, std::string_view why, Remarks remarks) {
  return is_ours && remarks == Remarks::all ? fmt::format("# {} ({})\n", line, why)
                                            : fmt::format("{}\n", line);
}

}  // namespace

std::string to_toml(const Config& config, Remarks remarks) {
  std::string text;
  for (const Setting& setting : all_settings()) {
    const auto source = config.sources.find(setting.name);
    if (remarks == Remarks::all) {
      text += fmt::format("# {} ({})\n", setting.help,
                          source == config.sources.end() ? "default" : source->second);
    }
    text += fmt::format("{} = {}\n", setting.name, toml_value(setting, config.settings));
  }
  for (const ModelSettings& model : config.models) {
    text += fmt::format("\n[models.{}]\n", toml_quoted(model.name));
    if (!model.path.empty())
      text += given_line(fmt::format("path = {}", toml_quoted(model.path)), model.path_is_ours,
                         "the built-in model", remarks);
    for (const auto& [part, path] : model.parts)
      text += fmt::format("{} = {}\n", part, toml_quoted(path));
    std::vector<std::string> loras;
    for (const LoraSettings& lora : model.loras)
      loras.push_back(
          fmt::format("{{path = {}, scale = {:#}}}", toml_quoted(lora.path), lora.scale));
    if (!loras.empty()) text += fmt::format("loras = [{}]\n", join_words(loras, ", "));
    if (!model.precision.empty()) text += fmt::format("precision = \"{}\"\n", model.precision);
    if (model.distilled) text += fmt::format("distilled = {}\n", *model.distilled);
    if (model.cached_references)
      text += fmt::format("cached_references = {}\n", *model.cached_references);
    text += where_it_is_made(model);
    text += fmt::format("steps = {}\n", model.steps);
    if (model.guidance)
      text += given_line(
          fmt::format("guidance = {:#}", *model.guidance), model.guidance_is_ours,
          fmt::format("the built-in model's from {} steps on, where none is given", kGuidedSteps),
          remarks);
    text += fmt::format("price_usd = \"{}\"\n", service::format_usd(model.price_usd_ticks));
    if (model.price_2k_usd_ticks)
      text +=
          fmt::format("price_2k_usd = \"{}\"\n", service::format_usd(*model.price_2k_usd_ticks));
    if (model.price_input_usd_ticks > 0)
      text += fmt::format("price_input_usd = \"{}\"\n",
                          service::format_usd(model.price_input_usd_ticks));
    if (model.price_second_usd_ticks > 0)
      text += fmt::format("price_second_usd = \"{}\"\n",
                          service::format_usd(model.price_second_usd_ticks));
    if (model.price_second_720p_usd_ticks)
      text += fmt::format("price_second_720p_usd = \"{}\"\n",
                          service::format_usd(*model.price_second_720p_usd_ticks));
    std::vector<std::string> aliases;
    for (const std::string& alias : model.aliases) aliases.push_back(toml_quoted(alias));
    text += fmt::format("aliases = [{}]\n", join_words(aliases, ", "));
    text += fmt::format("steps_max = {}\n", model.steps_max);
    text += fmt::format("max_prompt_length = {}\n", model.max_prompt_length);
    text += fmt::format("created = {}\n", model.created_unix_s);
  }
  for (const UpstreamSettings& upstream : config.upstreams) text += to_toml(upstream);
  for (const ChatSettings& chat : config.chats) text += to_toml(chat);
  return text;
}

std::string example_toml() {
  std::string text =
      "# What is left out keeps its default; see `imagined config show`. Relative paths are meant\n"
      "# from the folder of this file.\n\n";
  for (const Setting& setting : all_settings()) {
    text += fmt::format("# {}\n# {} = {}\n\n", setting.help, setting.name,
                        toml_value(setting, Settings{}));
  }
  text +=
      "# The models of a file are the whole list. Without any, the built-in one is served under "
      "these\n"
      "# names; another one has a path: a folder, a .safetensors or a .gguf file.\n";
  Config defaults{.models = default_models()};
  for (ModelSettings& model : defaults.models) guide_by_steps(model);
  std::string models = to_toml(defaults, Remarks::all);
  models.erase(0, models.find("\n[models."));
  for (std::size_t at = 1; at < models.size();) {
    const auto end = models.find('\n', at);
    const std::string line = models.substr(at, end - at);
    text += line.empty() ? "\n" : "# " + line + "\n";
    at = end + 1;
  }
  text +=
      "\n# Tables of [upstreams.NAME] have other servers answer for their models, see "
      "docs/chat.md.\n";
  return text;
}

}  // namespace imagined::config
