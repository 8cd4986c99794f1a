// imagined completion SHELL and imagined man
#include <fmt/core.h>

#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/pages.h"
#include "cli/version.h"

namespace imagined::cli {

Command completion_command(Command (*program)()) {
  Command completion{"completion", "Print what a shell needs to complete commands"};
  const auto shell = [&](const char* name, std::string (*script)(const Command&)) {
    Command command{name, fmt::format("The script for {}", name)};
    command.run = [program, script] {
      fmt::print("{}", script(program()));
      return kExitOk;
    };
    completion.commands.push_back(std::move(command));
  };
  shell("bash", bash_completion);
  shell("zsh", zsh_completion);
  shell("fish", fish_completion);
  completion.footer =
      "Examples:\n"
      "  source <(imagined completion bash)\n"
      "  imagined completion fish > ~/.config/fish/completions/imagined.fish";
  return completion;
}

Command man_command(Command (*program)()) {
  Command man{"man", "Print the manual page"};
  man.footer = "Example:\n  imagined man | man -l -";
  man.run = [program] {
    fmt::print("{}", manual_page(program(), kVersion));
    return kExitOk;
  };
  return man;
}

}  // namespace imagined::cli
