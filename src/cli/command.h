// The subcommands: one file each, one line each in the table of app.cpp.
#pragma once

#include "cli/command_line.h"

namespace imagined::cli {

Command serve_command();
Command worker_command();
Command generate_command();
Command animate_command();
Command keys_command();
Command people_command();
Command usage_command();
Command pictures_command();
Command backup_command();
Command restore_command();
Command models_command();
Command pull_command();  // of models
Command config_command();
Command doctor_command();
Command bench_command();

/// What they print is made from the whole table.
Command completion_command(Command (*program)());
Command man_command(Command (*program)());

}  // namespace imagined::cli
