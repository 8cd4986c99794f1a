#include "config/config.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace imagined::config {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kFileBytesMax = 1 << 20;
constexpr std::string_view kBuiltInModel = "paperland";
constexpr std::string_view kSetForm = "models.NAME.KEY=VALUE";

tl::unexpected<Error> at(std::string_view where, Error error) {
  error.message = fmt::format("{}: {}", where, error.message);
  return tl::unexpected<Error>(std::move(error));
}

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
    value = {ModelValue::Type::other, truth->get() ? "true" : "false", {}};
  } else if (const auto* array = node.as_array()) {
    value.type = ModelValue::Type::texts;
    for (const toml::node& element : *array) {
      const auto* name = element.as_string();
      if (name == nullptr) return {};
      value.texts.push_back(name->get());
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

// The models of a file are the whole list: what it doesn't name is not served.
Result<void> apply_models(const std::string& file, const toml::table& tables, Config& config) {
  config.models.clear();
  for (const auto& [name, node] : in_order(tables)) {
    const auto* table = node->as_table();
    if (table == nullptr) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: models.{}: expected a table, write [models.{}]",
                              place(file, *node), name, name));
    }
    ModelSettings model = starting_model(name);
    for (const auto& [key, value] : in_order(*table)) {
      auto assigned = assign_model_value(key, to_model_value(*value), model);
      if (!assigned)
        return at(fmt::format("{}: models.{}", place(file, *value), name), assigned.error());
    }
    if (table->contains("path")) {
      // A path in a file is meant from where the file is.
      model.path = fs::absolute(fs::path(file)).parent_path() / model.path;
      model.path = fs::path(model.path).lexically_normal();
    }
    config.models.push_back(std::move(model));
  }
  return {};
}

Result<void> apply_file_value(const std::string& file, const std::string& key,
                              const toml::node& node, Config& config) {
  const Setting* setting = find_setting(key);
  if (setting == nullptr) {
    std::vector<std::string_view> names = {"models"};
    for (const Setting& known : all_settings()) names.push_back(known.name);
    const std::string near = nearest_name(key, names);
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: {}: there is no such setting{}", place(file, node), key,
                            near.empty() ? "" : fmt::format("; did you mean {}?", near)));
  }
  const bool wants_number = std::holds_alternative<std::int64_t Settings::*>(setting->field);
  const ModelValue value = to_model_value(node);
  if (value.type != (wants_number ? ModelValue::Type::whole : ModelValue::Type::text)) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{}: {}: expected {}, got {}", place(file, node), key, expectation(*setting),
                    value.type == ModelValue::Type::text
                        ? fmt::format("the text \"{}\", write it without quotes", value.text)
                    : value.text.empty() ? "a list or table"
                                         : value.text + ", write it in quotes"));
  }
  auto assigned = assign(*setting, value.text, config.settings);
  if (!assigned) return at(place(file, node), assigned.error());
  config.sources[key] = place(file, node);
  return {};
}

Result<std::string> read_file(const std::string& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) {
    return fail(ErrorCode::not_found, fmt::format("{}: {}", file, error.message()), "config");
  }
  if (size > kFileBytesMax) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: {} bytes are too many for a configuration, the limit is {}", file,
                            size, kFileBytesMax));
  }
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return fail(ErrorCode::not_found, fmt::format("{}: cannot be read", file), "config");
  return text.str();
}

Result<toml::table> parse_toml(const std::string& text, const std::string& file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& broken) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}:{}: {}", file, broken.source().begin.line, broken.description()));
  }
}

Result<void> apply_file(const std::string& file, Config& config) {
  const std::string text = TRY(read_file(file));
  const toml::table table = TRY(parse_toml(text, file));
  for (const auto& [key, node] : in_order(table)) {
    if (key != "models") {
      TRY(apply_file_value(file, key, *node, config));
      continue;
    }
    const auto* models = node->as_table();
    if (models == nullptr) {
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("{}: models: expected tables, write [models.NAME]", place(file, *node)));
    }
    TRY(apply_models(file, *models, config));
  }
  return {};
}

Result<void> apply_environment(const Environment& environment, Config& config) {
  for (const Setting& setting : all_settings()) {
    const std::string name = environment_name(setting);
    const auto text = environment(name);
    if (!text) continue;
    auto assigned = assign(setting, *text, config.settings);
    if (!assigned) return at(name, assigned.error());
    config.sources[std::string(setting.name)] = name;
  }
  return {};
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
Result<void> apply_assignment(const std::string& assignment, Config& config) {
  const std::string where = fmt::format("--set {}", assignment);
  const auto equals = assignment.find('=');
  const auto target = std::string_view(assignment).substr(0, equals);
  const auto dot = target.rfind('.');
  if (equals == std::string::npos || !target.starts_with("models.") || dot < 8) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: expected {}", where, kSetForm),
                "set");
  }
  const auto name = target.substr(7, dot - 7);
  const auto key = target.substr(dot + 1);
  const auto text = std::string_view(assignment).substr(equals + 1);
  ModelValue value = value_of_flag(text);
  // A price or path on a command line needs no quotes of its own.
  if (key == "price_usd" || (key == "path" && value.type != ModelValue::Type::text)) {
    if (value.type != ModelValue::Type::text)
      value = {ModelValue::Type::text, std::string(text), {}};
  }
  ModelSettings* model = find_model(config.models, name);
  if (model == nullptr) {
    config.models.push_back(starting_model(name));
    model = &config.models.back();
  }
  auto assigned = assign_model_value(key, value, *model);
  if (!assigned) return at(where, assigned.error());
  if (key == "path") model->path = fs::absolute(model->path).lexically_normal();
  return {};
}

Result<void> apply_flags(const ConfigFlags& flags, Config& config) {
  for (const auto& [name, text] : flags.values) {
    const Setting& setting = *find_setting(name);
    auto assigned = assign(setting, text, config.settings);
    if (!assigned) return at(flag_name(setting), assigned.error());
    config.sources[name] = flag_name(setting);
  }
  for (const std::string& assignment : flags.assignments) {
    TRY(apply_assignment(assignment, config));
  }
  return {};
}

// Texts whose form matters at once, not at the first request.
Result<void> check_texts(const Settings& settings) {
  TRY(parse_listen_address(settings.http_listen));
  const std::string& url = settings.public_url;
  if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://")) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("public_url: expected http:// or https://, got \"{}\"", url));
  }
  const std::string& prefix = settings.key_prefix;
  const bool plain = std::all_of(prefix.begin(), prefix.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  if (prefix.empty() || prefix.size() > 16 || !plain) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("key_prefix: expected up to 16 letters and digits, got \"{}\"", prefix));
  }
  return {};
}

fs::path find_data_dir(const Settings& settings, const Environment& environment) {
  if (!settings.data_dir.empty()) return settings.data_dir;
  std::error_code ignored;
  if (fs::is_directory("data", ignored)) return "data";
  if (const auto home = environment("XDG_DATA_HOME"); home && !home->empty()) {
    return fs::path(*home) / "imagined";
  }
  if (const auto home = environment("HOME"); home && !home->empty()) {
    return fs::path(*home) / ".local/share/imagined";
  }
  return "data";
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

std::string toml_quoted(std::string_view text) {
  std::ostringstream out;
  out << toml::value<std::string>(std::string(text));
  return out.str();
}

}  // namespace

Result<Config> load_config(const ConfigFlags& flags, const Environment& environment) {
  Config config{.models = default_models()};
  std::string file = flags.file;
  if (file.empty()) file = environment("IMAGINED_CONFIG").value_or("");
  if (!file.empty()) TRY(apply_file(file, config));
  TRY(apply_environment(environment, config));
  TRY(apply_flags(flags, config));
  TRY(check_texts(config.settings));
  while (config.settings.public_url.ends_with('/')) config.settings.public_url.pop_back();
  return config;
}

Result<void> resolve_paths(const Environment& environment, const fs::path& executable,
                           Config& config) {
  config.settings.data_dir = fs::absolute(find_data_dir(config.settings, environment));
  for (ModelSettings& model : config.models) {
    if (!model.path.empty()) continue;
    model.path = TRY(find_models_dir(config.settings, executable)) / kBuiltInModel;
  }
  return {};
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  ListenAddress address;
  if (colon != std::string_view::npos) {
    auto host = text.substr(0, colon);
    const auto port = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
    address.host = host.empty() ? "0.0.0.0" : std::string(host);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error == std::errc() && end == port.data() + port.size()) return address;
  }
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("http_listen: expected ADDRESS:PORT such as 127.0.0.1:8080, got \"{}\"", text),
      "http_listen");
}

std::string to_toml(const Config& config, Remarks remarks) {
  std::string text;
  for (const Setting& setting : all_settings()) {
    const auto source = config.sources.find(setting.name);
    if (remarks == Remarks::all) {
      text += fmt::format("# {} ({})\n", setting.help,
                          source == config.sources.end() ? "default" : source->second);
    }
    const std::string value = value_text(setting, config.settings);
    const bool number = std::holds_alternative<std::int64_t Settings::*>(setting.field);
    text += fmt::format("{} = {}\n", setting.name, number ? value : toml_quoted(value));
  }
  for (const ModelSettings& model : config.models) {
    text += fmt::format("\n[models.{}]\n", toml_quoted(model.name));
    if (!model.path.empty()) text += fmt::format("path = {}\n", toml_quoted(model.path));
    text += fmt::format("steps = {}\n", model.steps);
    if (model.guidance) text += fmt::format("guidance = {:#}\n", *model.guidance);
    text += fmt::format("price_usd = \"{}\"\n", format_price(model.price_usd_ticks));
    std::vector<std::string> aliases;
    for (const std::string& alias : model.aliases) aliases.push_back(toml_quoted(alias));
    text += fmt::format("aliases = [{}]\n", fmt::join(aliases, ", "));
    text += fmt::format("max_prompt_length = {}\n", model.max_prompt_length);
    text += fmt::format("created = {}\n", model.created_unix_s);
  }
  return text;
}

}  // namespace imagined::config
