// The command line as data: commands, what each of them takes, and what its help says. Parsing,
// help, completion and the man page are made from the same tables.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace imagined::cli {

/// Where a value lands. A bool is a flag without a value; a list takes its option several times; a
/// function is called with each value.
using Target =
    std::variant<bool*, int*, std::string*, std::optional<std::uint64_t>*, std::optional<float>*,
                 std::vector<std::string>*, std::function<void(const std::string&)>>;

/// What a value must be, and what help calls it.
struct Allowed {
  std::optional<double> min = {};  // of numbers
  std::optional<double> max = {};
  std::size_t times_max = 0;              // of a list; 0: any number
  std::vector<std::string> choices = {};  // of words; empty: any
  std::vector<std::string> usual = {};    // what completion offers where others may be right too
  std::string value_name = {};            // "FILE"; empty: NUMBER or TEXT
  bool required = false;                  // of an argument
  std::string if_bare = {};  // the value where none follows; then it takes --name=VALUE
};

/// What help prints an option under.
enum class OptionGroup : std::uint8_t { own, settings, hidden };

struct Option {
  std::string name;  // "--output" or "-o,--output"; without dashes: an argument, "prompt"
  Target target;     // help shows the value that it has before parsing
  std::string help;
  Allowed allowed = {};
  OptionGroup group = OptionGroup::own;
};

/// A command has either commands of its own, or options and something to run.
struct Command {
  std::string name;
  std::string help;  // one line
  std::vector<Option> options = {};
  std::string footer = {};
  std::function<int()> run = {};  // returns the exit status
  std::vector<Command> commands = {};
  /// Pairs of options (long names) of which one alone is taken, for the other would say nothing.
  std::vector<std::pair<std::string, std::string>> exclusive = {};
};

/// The commands from the program down to the one that was named, and what is wanted of it.
struct CommandCall {
  enum class Wants : std::uint8_t { run, help, version };
  std::vector<const Command*> path;
  Wants wants = Wants::run;
};

/// Reads the words after the program's name into the targets. `invalid_argument` names the wrong
/// word and what it may have meant.
Result<CommandCall> parse_command_line(const Command& program, std::span<const std::string> words);

/// What `--help` prints for the last command of the path.
std::string help_text(const std::vector<const Command*>& path);

/// "-o, --output FILE", "PROMPT": how an option is written.
std::string option_form(const Option& option);
bool is_argument(const Option& option);

}  // namespace imagined::cli
