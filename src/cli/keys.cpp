// imagined keys create|list|delete; works while a server uses the same data folder.
#include <fmt/chrono.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/process.h"
#include "cli/wiring.h"

namespace imagined::cli {
namespace {

struct Options {
  ConfigFlags flags;
  std::string name = "default";
  std::string id;
  bool create = false;
  bool yes = false;
  bool json = false;
};

// Opens the stores and hands the key service to `work`.
int with_keys(const Options& options,
              const std::function<int(service::KeyService&, const std::string& data_dir)>& work) {
  prepare_to_serve();
  const auto config = load_config(options.flags, {}, BuiltInModel::dispensable);
  if (!config) return report(kExitConfig, config.error());
  const auto stores =
      Stores::open(config->settings, options.create ? StoreUser::maker : StoreUser::command);
  if (!stores) return report(stores.error());
  return work((*stores)->keys(), config->settings.data_dir);
}

std::string day_and_time(std::int64_t unix_ms) {
  if (unix_ms == 0) return "never";
  return fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(static_cast<std::time_t>(unix_ms / 1000)));
}

nlohmann::json to_json(const service::ApiKey& key) {
  nlohmann::json value = {{"id", key.id},         {"name", key.name},
                          {"last4", key.last4},   {"created", key.created_ms / 1000},
                          {"last_used", nullptr}, {"disabled", key.disabled}};
  if (key.last_used_ms > 0) value["last_used"] = key.last_used_ms / 1000;
  return value;
}

int create(const Options& options) {
  return with_keys(options, [&](service::KeyService& keys, const std::string& data_dir) -> int {
    const auto made = keys.create(options.name);
    if (!made) return report(made.error());
    if (options.json) {
      nlohmann::json value = to_json(made->row);
      value["key"] = made->secret;
      fmt::print("{}\n", value.dump());
    } else {
      fmt::print("{}\n", made->secret);
      fmt::print(stderr, "This is the only time the key is shown. It is good for {}\n", data_dir);
    }
    return kExitOk;
  });
}

int list(const Options& options) {
  return with_keys(options, [&](service::KeyService& keys, const std::string&) -> int {
    const auto rows = keys.list();
    if (!rows) return report(rows.error());
    if (options.json) {
      nlohmann::json items = nlohmann::json::array();
      for (const service::ApiKey& key : *rows) items.push_back(to_json(key));
      fmt::print("{}\n", nlohmann::json{{"keys", std::move(items)}}.dump());
      return kExitOk;
    }
    if (rows->empty()) fmt::print(stderr, "no keys yet: imagined keys create --name NAME\n");
    fmt::print("{:<12}  {:<20}  {:<8}  {:<16}  {}\n", "ID", "NAME", "ENDS IN", "CREATED (UTC)",
               "LAST USED (UTC)");
    for (const service::ApiKey& key : *rows) {
      fmt::print("{:<12}  {:<20}  {:<8}  {:<16}  {}\n", key.id, key.name, key.last4,
                 day_and_time(key.created_ms), day_and_time(key.last_used_ms));
    }
    return kExitOk;
  });
}

// Takes a public id or a whole key, whichever is at hand.
std::string id_of(const std::string& text) {
  const auto parts = text.find('_');
  if (parts == std::string::npos) return text;
  const auto rest = text.substr(parts + 1);
  return rest.substr(0, rest.find('_'));
}

// Asks who types at a terminal; a script has meant it.
bool is_meant(const std::string& id) {
  if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) return true;
  fmt::print(stderr, "Delete the key {}? Whoever uses it is refused at once. [y/N] ", id);
  std::fflush(stderr);
  const int answer = std::getchar();
  return answer == 'y' || answer == 'Y';
}

int remove(const Options& options) {
  return with_keys(options, [&](service::KeyService& keys, const std::string&) -> int {
    const std::string id = id_of(options.id);
    if (!options.yes && !is_meant(id)) return kExitFailure;
    const auto removed = keys.remove(id);
    if (!removed) return report(removed.error());
    if (options.json) {
      fmt::print("{}\n", nlohmann::json{{"id", id}, {"deleted", true}}.dump());
    } else {
      fmt::print("deleted {}\n", id);
    }
    return kExitOk;
  });
}

}  // namespace

Command keys_command() {
  const auto options = std::make_shared<Options>();
  const auto part = [&](const char* name, const char* help, int (*work)(const Options&),
                        std::vector<Option> own) {
    Command command{name, help, std::move(own)};
    command.options.push_back({"--json", &options->json, kJsonHelp});
    add_config_options(command, options->flags, {"data_dir", "key_prefix", "log_level"});
    command.run = [options, work] { return work(*options); };
    return command;
  };
  Command keys{"keys", "Make, list and delete API keys"};
  keys.footer =
      "Works while the server runs; a deleted key is refused at once.\n"
      "Examples:\n"
      "  imagined keys create --name laptop --json\n"
      "  imagined keys delete Ab3dE6gH9jKl";
  keys.commands = {
      part("create", "Make a key and print it, this once", create,
           {{"--name", &options->name, "What the key is for"},
            {"--create", &options->create, "Make the data folder too, when it is not there"}}),
      part("list", "List keys, without their secrets", list, {}),
      part("delete", "Delete a key", remove,
           {{"id", &options->id, "The key's id, or the key itself", {.required = true}},
            {"--yes", &options->yes, "Do not ask"}})};
  return keys;
}

}  // namespace imagined::cli
