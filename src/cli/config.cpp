// imagined config check|show
#include <fmt/format.h>

#include <CLI/CLI.hpp>
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
  fmt::print("{}", to_toml(*config, Remarks::all));
  return kExitOk;
}

}  // namespace

void add_config(CLI::App& app, Action& chosen) {
  CLI::App& config = *app.add_subcommand("config", "Check or show the configuration");
  config.require_subcommand(1);
  config.footer(
      "Settings come from defaults, then the file, then IMAGINED_* variables, then flags; the last "
      "wins.\nSecrets are files in the data folder and no settings, so `show` prints none.\n"
      "Example:\n  imagined config show --config imagined.toml");
  const auto flags = std::make_shared<ConfigFlags>();
  CLI::App& checking =
      *config.add_subcommand("check", "Say whether the server would start with it");
  add_config_options(checking, flags);
  checking.callback([&chosen, flags] { chosen = [flags] { return check(*flags); }; });
  CLI::App& showing =
      *config.add_subcommand("show", "Print it as TOML, with the source of each value");
  add_config_options(showing, flags);
  showing.callback([&chosen, flags] { chosen = [flags] { return show(*flags); }; });
}

}  // namespace imagined::cli
