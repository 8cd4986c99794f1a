// What shells and readers are told about the command line, from the tables that it is parsed by.
#pragma once

#include <string>
#include <string_view>

#include "cli/command_line.h"

namespace imagined::cli {

/// Scripts that complete commands, options, their words, names of models and files.
std::string bash_completion(const Command& program);
std::string zsh_completion(const Command& program);
std::string fish_completion(const Command& program);

/// The manual page, in roff.
std::string manual_page(const Command& program, std::string_view version);

}  // namespace imagined::cli
