#include "cli/app.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/version.h"

namespace imagined::cli {
namespace {

constexpr void (*kCommands[])(CLI::App&, Action&) = {
    add_generate, add_serve, add_worker, add_keys, add_models, add_config, add_doctor, add_bench,
};

// CLI11 prints a footer without the end of its last line.
void end_footers(CLI::App& app) {
  if (!app.get_footer().empty()) app.footer(app.get_footer() + "\n");
  for (CLI::App* command : app.get_subcommands({})) end_footers(*command);
}

}  // namespace

int run(int argc, const char* const* argv) {
  CLI::App app("The Grok Imagine image API on your own hardware.", "imagined");
  app.set_version_flag("--version", std::string("imagined ") + kVersion, "Print the version");
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  imagined generate \"a red house beside two trees at night\" -o house.png\n"
      "  imagined keys create --name laptop\n"
      "  imagined serve\n\n"
      "Results go to stdout, progress and logs to stderr.\n" +
      std::string(exit_code_help()));
  Action chosen;
  for (const auto add : kCommands) add(app, chosen);
  end_footers(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  try {
    return chosen();
  } catch (const std::exception& caught) {
    // The last net for what a library throws.
    return report(kExitInternal,
                  Error{ErrorCode::internal, "something went wrong here", {}, caught.what()});
  }
}

}  // namespace imagined::cli
