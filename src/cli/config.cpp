// imagined config check|show
#include <fmt/format.h>

#include <cstdio>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"

namespace imagined::cli {
namespace {

int check(const ConfigFlags& flags) {
  const auto config = load_config(flags);
  if (!config) return report(kExitConfig, config.error());
  const auto catalogue = make_catalogue(config->models);
  if (!catalogue) return report(kExitConfig, catalogue.error());
  fmt::print("the configuration is right\n");
  return kExitOk;
}

int show(const ConfigFlags& flags) {
  const auto config = load_config(flags);
  if (!config) return report(kExitConfig, config.error());
  fmt::print("{}", to_toml(*config, config::Remarks::all));
  return kExitOk;
}

}  // namespace

Command config_command() {
  const auto flags = std::make_shared<ConfigFlags>();
  const auto part = [&](const char* name, const char* help, int (*work)(const ConfigFlags&)) {
    Command command{name, help};
    add_config_options(command, *flags);
    command.run = [flags, work] { return work(*flags); };
    return command;
  };
  Command config{"config", "Check or show the configuration"};
  config.footer =
      "Settings come from defaults, then the file, then IMAGINED_* variables, then flags; the last "
      "wins.\nSecrets are files in the data folder and no settings, so `show` prints none.\n"
      "Example:\n  imagined config show --config imagined.toml";
  config.commands = {part("check", "Say whether the server would start with it", check),
                     part("show", "Print it as TOML, with the source of each value", show)};
  return config;
}

}  // namespace imagined::cli
