#include "cli/app.h"

#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/decode.h"
#include "cli/exit_code.h"
#include "cli/version.h"

namespace imagined::cli {
namespace {

Command program() {
  Command imagined{"imagined", "The Grok Imagine image API on your own hardware."};
  imagined.commands = {generate_command(),  animate_command(), serve_command(),
                       worker_command(),    keys_command(),    people_command(),
                       models_command(),    config_command(),  usage_command(),
                       pictures_command(),  backup_command(),  restore_command(),
                       doctor_command(),    bench_command(),   completion_command(program),
                       man_command(program)};
  imagined.footer = fmt::format(
      "Examples:\n"
      "  imagined generate \"a red house on the beach at sunset\" -o house.png\n"
      "  imagined keys create --name laptop\n"
      "  imagined serve\n\n"
      "\"imagined help COMMAND\" explains a command. Results go to stdout, progress and logs to "
      "stderr.\n{}",
      exit_code_help());
  return imagined;
}

int run_call(const CommandCall& call) {
  switch (call.wants) {
    case CommandCall::Wants::help:
      fmt::print("{}", help_text(call.path));
      return kExitOk;
    case CommandCall::Wants::version:
      fmt::print("imagined {}\n", kVersion);
      return kExitOk;
    case CommandCall::Wants::run:
      break;
  }
  return call.path.back()->run();
}

}  // namespace

int run(int argc, const char* const* argv) {
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (const auto status = run_as_decoder(words)) return *status;
  const Command commands = program();
  const auto call = parse_command_line(commands, words);
  if (!call) {
    report(kExitUsage, call.error());
    fmt::print(stderr, "\"imagined help\" and \"imagined help COMMAND\" say what there is.\n");
    return kExitUsage;
  }
  try {
    return run_call(*call);
  } catch (const std::exception& caught) {
    // The last net for what a library throws.
    return report(kExitInternal,
                  Error{ErrorCode::internal, "something went wrong here", {}, caught.what()});
  }
}

}  // namespace imagined::cli
