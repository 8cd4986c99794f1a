// The subcommands: one file each, one line each in the table of app.cpp.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace imagined::cli {

/// Runs a subcommand with the options that were parsed; returns the exit status.
using Action = std::function<int()>;

/// Each adds its subcommand with its options to `app` and stores what to run in `chosen` when the
/// subcommand was on the command line.
void add_serve(CLI::App& app, Action& chosen);
void add_worker(CLI::App& app, Action& chosen);
void add_generate(CLI::App& app, Action& chosen);
void add_keys(CLI::App& app, Action& chosen);
void add_models(CLI::App& app, Action& chosen);
void add_config(CLI::App& app, Action& chosen);
void add_doctor(CLI::App& app, Action& chosen);
void add_bench(CLI::App& app, Action& chosen);

}  // namespace imagined::cli
