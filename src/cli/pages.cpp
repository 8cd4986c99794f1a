#include "cli/pages.h"

#include <fmt/core.h>

#include <vector>

namespace imagined::cli {
namespace {

// Prints the names of the configured models, one a line.
constexpr std::string_view kModelNames =
    "imagined models list 2>/dev/null | awk 'NR > 1 { print $1 }'";

using Path = std::vector<const Command*>;

// Calls `visit` with the path of each command, the program itself first and without its name.
template <class Visit>
void for_each_command(const Command& command, Path& path, const Visit& visit) {
  visit(path, command);
  for (const Command& child : command.commands) {
    path.push_back(&child);
    for_each_command(child, path, visit);
    path.pop_back();
  }
}

template <class Visit>
void for_each_command(const Command& program, const Visit& visit) {
  Path path;
  for_each_command(program, path, visit);
}

// " keys create": as the scripts spell a path.
std::string spelled(const Path& path) {
  std::string text;
  for (const Command* command : path) text += " " + command->name;
  return text;
}

std::vector<std::string> names_of(const Option& option) {
  const auto comma = option.name.find(',');
  if (comma == std::string::npos) return {option.name};
  return {option.name.substr(0, comma), option.name.substr(comma + 1)};
}

bool takes_value(const Option& option) {
  return !std::holds_alternative<bool*>(option.target) && option.allowed.if_bare.empty();
}
bool is_for_people(const Option& option) { return option.group != OptionGroup::hidden; }
bool is_model(const Option& option) { return option.name == "model" || option.name == "--model"; }

const std::vector<std::string>& offered_values(const Option& option) {
  return option.allowed.choices.empty() ? option.allowed.usual : option.allowed.choices;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// For the single quotes of a shell.
std::string in_quotes(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// roff takes a hyphen for a dash and a dot or quote at the start of a line for a request.
std::string roff(std::string_view text) {
  std::string result;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
    line_begins = c == '\n';
  }
  return result;
}

}  // namespace

std::string bash_completion(const Command& program) {
  std::string paths, values, words;
  for_each_command(program, [&](const Path& path, const Command& command) {
    const std::string here = spelled(path);
    std::vector<std::string> offered = {"--help"};
    for (const Command& child : command.commands) {
      offered.push_back(child.name);
      paths += fmt::format("      {}) path+=\" $word\" ;;\n", in_quotes(here + " " + child.name));
    }
    bool models = false;
    for (const Option& option : command.options) {
      if (!is_for_people(option)) continue;
      if (is_argument(option)) {
        models = models || is_model(option);
        continue;
      }
      for (const std::string& name : names_of(option)) {
        offered.push_back(name);
        if (!takes_value(option)) continue;
        const auto& choices = offered_values(option);
        values += fmt::format("    {}) ", in_quotes(here + " " + name));
        if (is_model(option)) {
          values += fmt::format("words=$({}) ;;\n", kModelNames);
        } else if (!choices.empty()) {
          values += fmt::format("words={} ;;\n", in_quotes(joined(choices)));
        } else {
          values += "return ;;\n";  // a file, by `-o default`, or nothing that we know
        }
      }
    }
    words += fmt::format("    {}) words={}{} ;;\n", in_quotes(here), in_quotes(joined(offered)),
                         models ? fmt::format("\" \"$({})", kModelNames) : "");
  });
  return fmt::format(
      "# imagined completion bash\n"
      "_imagined() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}\n"
      "  local path='' words='' word at\n"
      "  for ((at = 1; at < COMP_CWORD; ++at)); do\n"
      "    word=${{COMP_WORDS[at]}}\n"
      "    case \"$path $word\" in\n{}    esac\n"
      "  done\n"
      "  case \"$path $previous\" in\n{}    *)\n"
      "    case \"$path\" in\n{}    esac ;;\n"
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}}\n"
      "complete -o default -F _imagined imagined\n",
      paths, values, words);
}

std::string zsh_completion(const Command& program) {
  return "#compdef imagined\nautoload -U +X bashcompinit && bashcompinit\n" +
         bash_completion(program);
}

std::string fish_completion(const Command& program) {
  std::string script = "# imagined completion fish\n";
  for_each_command(program, [&](const Path& path, const Command& command) {
    std::string seen;
    for (const Command* part : path) {
      seen +=
          fmt::format("{}__fish_seen_subcommand_from {}", seen.empty() ? "" : "; and ", part->name);
    }
    std::vector<std::string> children;
    for (const Command& child : command.commands) children.push_back(child.name);
    const std::string none_yet =
        path.empty() ? "__fish_use_subcommand"
                     : seen + "; and not __fish_seen_subcommand_from " + joined(children);
    for (const Command& child : command.commands) {
      script += fmt::format("complete -c imagined -n {} -f -a {} -d {}\n", in_quotes(none_yet),
                            child.name, in_quotes(child.help));
    }
    for (const Option& option : command.options) {
      if (!is_for_people(option)) continue;
      if (is_argument(option)) {
        if (is_model(option)) {
          script += fmt::format("complete -c imagined -n {} -a {}\n", in_quotes(seen),
                                in_quotes(fmt::format("({})", kModelNames)));
        }
        continue;
      }
      script += fmt::format("complete -c imagined -n {}", in_quotes(seen));
      for (const std::string& name : names_of(option)) {
        script += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (is_model(option)) {
        script += " -x -a " + in_quotes(fmt::format("({})", kModelNames));
      } else if (const auto& choices = offered_values(option); !choices.empty()) {
        script += " -x -a " + in_quotes(joined(choices));
      } else if (takes_value(option)) {
        script += " -r";
      }
      script += " -d " + in_quotes(option.help) + "\n";
    }
  });
  return script;
}

std::string manual_page(const Command& program, std::string_view version) {
  std::string page = fmt::format(".TH IMAGINED 1 \"\" \"imagined {}\"\n.SH NAME\nimagined \\- {}\n",
                                 version, roff(program.help));
  page += ".SH SYNOPSIS\n.B imagined\n.I COMMAND\n[\\fIOPTION\\fR...]\n.SH COMMANDS\n";
  for_each_command(program, [&](const Path& path, const Command& command) {
    if (path.empty()) return;
    page += fmt::format(".SS \"imagined{}\"\n{}.\n", roff(spelled(path)), roff(command.help));
    for (const Option& option : command.options) {
      if (is_for_people(option)) {
        page += fmt::format(".TP\n.B {}\n{}.\n", roff(option_form(option)), roff(option.help));
      }
    }
    if (!command.footer.empty()) page += ".PP\n.nf\n" + roff(command.footer) + "\n.fi\n";
  });
  return page + ".SH NOTES\n.nf\n" + roff(program.footer) + "\n.fi\n";
}

}  // namespace imagined::cli
