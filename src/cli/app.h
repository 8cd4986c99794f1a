#pragma once

namespace imagined::cli {

/// The whole program: parses the command line, runs one subcommand, returns the exit status.
int run(int argc, const char* const* argv);

}  // namespace imagined::cli
