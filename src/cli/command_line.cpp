#include "cli/command_line.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/nearest.h"

namespace imagined::cli {
namespace {

constexpr std::size_t kHelpWidth = 100;
constexpr std::size_t kHelpColumn = 30;  // where the explanations begin

// What people type who know other programs; said where the command has what is meant.
struct Hint {
  std::string_view word;
  std::string_view means;  // an option or argument
  std::string_view advice;
};
constexpr Hint kHints[] = {
    {"--port", "--http-listen", "--http-listen 127.0.0.1:PORT"},
    {"--host", "--http-listen", "--http-listen ADDRESS:PORT"},
    {"--listen", "--http-listen", "--http-listen ADDRESS:PORT"},
    {"--size", "--resolution", "--aspect-ratio and --resolution"},
    {"--width", "--resolution", "--aspect-ratio and --resolution"},
    {"--height", "--resolution", "--aspect-ratio and --resolution"},
    {"--prompt", "prompt", "the prompt alone, in quotes"},
};

std::string long_name(const Option& option) {
  const auto comma = option.name.find(',');
  return comma == std::string::npos ? option.name : option.name.substr(comma + 1);
}

bool answers_to(const Option& option, std::string_view name) {
  const auto comma = option.name.find(',');
  return long_name(option) == name ||
         (comma != std::string::npos && std::string_view(option.name).substr(0, comma) == name);
}

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return result;
}

bool is_flag(const Option& option) { return std::holds_alternative<bool*>(option.target); }
bool may_be_bare(const Option& option) {
  return is_flag(option) || !option.allowed.if_bare.empty();
}

bool is_number(const Option& option) {
  return std::holds_alternative<int*>(option.target) ||
         std::holds_alternative<std::optional<std::uint64_t>*>(option.target) ||
         std::holds_alternative<std::optional<float>*>(option.target);
}

std::string full_name(const std::vector<const Command*>& path) {
  std::string name;
  for (const Command* command : path) name += (name.empty() ? "" : " ") + command->name;
  return name;
}

std::string joined(std::span<const std::string> words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

tl::unexpected<Error> wrong(std::string message, std::string field = {}) {
  return fail(ErrorCode::invalid_argument, std::move(message), std::move(field));
}

std::string expected(const Option& option) {
  const Allowed& allowed = option.allowed;
  if (!allowed.choices.empty()) return "one of " + joined(allowed.choices, ", ");
  const bool whole = !std::holds_alternative<std::optional<float>*>(option.target);
  std::string text = whole ? "a whole number" : "a number";
  if (allowed.min && allowed.max) text += fmt::format(" from {} to {}", *allowed.min, *allowed.max);
  return text;
}

template <class Number>
std::optional<Number> number_of(const std::string& text, const Allowed& allowed) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  const auto value = static_cast<double>(number);
  // A comparison with NaN is false, so this refuses it.
  const bool inside = value >= allowed.min.value_or(value) && value <= allowed.max.value_or(value);
  return inside ? std::optional(number) : std::nullopt;
}

// Stores one value; false: it is not what the option takes.
bool store(const Option& option, const std::string& value) {
  const Allowed& allowed = option.allowed;
  if (!allowed.choices.empty() &&
      std::find(allowed.choices.begin(), allowed.choices.end(), value) == allowed.choices.end()) {
    return false;
  }
  if (const auto* text = std::get_if<std::string*>(&option.target)) {
    **text = value;
  } else if (const auto* list = std::get_if<std::vector<std::string>*>(&option.target)) {
    (*list)->push_back(value);
  } else if (const auto* whole = std::get_if<int*>(&option.target)) {
    const auto number = number_of<int>(value, allowed);
    if (number) **whole = *number;
    return number.has_value();
  } else if (const auto* large = std::get_if<std::optional<std::uint64_t>*>(&option.target)) {
    **large = number_of<std::uint64_t>(value, allowed);
    return (*large)->has_value();
  } else if (const auto* decimal = std::get_if<std::optional<float>*>(&option.target)) {
    **decimal = number_of<float>(value, allowed);
    return (*decimal)->has_value();
  } else {
    std::get<std::function<void(const std::string&)>>(option.target)(value);
  }
  return true;
}

class Parser {
 public:
  Parser(const Command& program, std::span<const std::string> words) : words_(words) {
    call_.path.push_back(&program);
  }

  Result<CommandCall> parse() {
    while (!command().commands.empty()) {
      if (at_end()) return wrong(missing_command());
      const std::string& word = words_[at_++];
      if (word == "--help" || word == "-h") return asks(CommandCall::Wants::help);
      if (word == "--version" && call_.path.size() == 1) return asks(CommandCall::Wants::version);
      if (word == "help" && call_.path.size() == 1) {
        help_wanted_ = true;
        if (at_end()) return asks(CommandCall::Wants::help);
        continue;
      }
      TRY(enter(word));
      if (help_wanted_ && at_end()) return asks(CommandCall::Wants::help);
    }
    TRY(read_options());
    if (!help_wanted_) {
      TRY(check_required());
      TRY(check_times());
      TRY(check_exclusive());
    }
    return asks(help_wanted_ ? CommandCall::Wants::help : CommandCall::Wants::run);
  }

 private:
  const Command& command() const { return *call_.path.back(); }
  bool at_end() const { return at_ == words_.size(); }

  CommandCall asks(CommandCall::Wants wants) {
    call_.wants = wants;
    return call_;
  }

  std::vector<std::string_view> command_names() const {
    std::vector<std::string_view> names;
    for (const Command& child : command().commands) names.push_back(child.name);
    return names;
  }

  std::string missing_command() const {
    std::string names;
    for (const auto name : command_names())
      names += (names.empty() ? "" : ", ") + std::string(name);
    return fmt::format("a command is missing after \"{}\": one of {}", full_name(call_.path),
                       names);
  }

  Result<> enter(const std::string& word) {
    for (const Command& child : command().commands) {
      if (child.name != word) continue;
      call_.path.push_back(&child);
      return {};
    }
    const std::string parent = full_name(call_.path);
    if (word.starts_with('-')) {
      std::vector<std::string_view> names = {"--help"};
      if (call_.path.size() == 1) names.emplace_back("--version");
      const std::string near = did_you_mean(word, names);
      if (!near.empty())
        return wrong(fmt::format("there is no option {} in \"{}\"{}", word, parent, near));
      return wrong(fmt::format(
          "{}: options stand behind the command; \"{} --help\" lists the commands", word, parent));
    }
    return wrong(fmt::format("there is no command \"{} {}\"{}", parent, word,
                             did_you_mean(word, command_names())));
  }

  Result<> read_options() {
    for (const Option& option : command().options) {
      if (is_argument(option)) arguments_.push_back(&option);
    }
    bool only_arguments = false;
    while (!at_end()) {
      const std::string& word = words_[at_++];
      if (only_arguments || word == "-" || !word.starts_with('-')) {
        TRY(take_argument(word));
      } else if (word == "--") {
        only_arguments = true;
      } else if (word == "--help" || word == "-h") {
        help_wanted_ = true;
      } else {
        TRY(take_option(word));
      }
    }
    return {};
  }

  Result<> take_argument(const std::string& word) {
    if (next_argument_ == arguments_.size()) {
      const bool sentence = arguments_.size() == 1 && arguments_[0]->name == "prompt";
      return wrong(fmt::format("unexpected argument \"{}\"{}", word,
                               sentence ? "; put the whole prompt in quotes" : ""));
    }
    return assign(*arguments_[next_argument_++], word);
  }

  // "--name value", "--name=value", "-n value" or "-nvalue".
  Result<> take_option(const std::string& word) {
    const bool is_long = word.starts_with("--");
    const auto split = is_long           ? word.find('=')
                       : word.size() > 2 ? std::size_t{2}
                                         : std::string::npos;
    const std::string name = word.substr(0, split);
    const auto& options = command().options;
    const auto found = std::find_if(options.begin(), options.end(), [&](const Option& option) {
      return !is_argument(option) && answers_to(option, name);
    });
    if (found == options.end()) return wrong(unknown_option(name));
    if (is_flag(*found)) {
      if (split != std::string::npos) return wrong(fmt::format("{} takes no value", name));
      **std::get_if<bool*>(&found->target) = true;
      given_.insert(&*found);
      return {};
    }
    if (split != std::string::npos) {
      const bool equals = word[split] == '=';
      return assign(*found, word.substr(split + (equals ? 1 : 0)));
    }
    if (!found->allowed.if_bare.empty()) return assign(*found, found->allowed.if_bare);
    if (at_end()) return wrong(fmt::format("{}: its value is missing", name));
    return assign(*found, words_[at_++]);
  }

  std::string unknown_option(const std::string& name) const {
    const std::string start =
        fmt::format("there is no option {} in \"{}\"", name, full_name(call_.path));
    const auto& options = command().options;
    for (const Hint& hint : kHints) {
      const bool known = std::any_of(options.begin(), options.end(), [&](const Option& option) {
        return answers_to(option, hint.means);
      });
      if (hint.word == name && known) return fmt::format("{}; use {}", start, hint.advice);
    }
    std::vector<std::string> names = {"--help"};
    for (const Option& option : options) {
      if (!is_argument(option) && option.group != OptionGroup::hidden) {
        names.push_back(long_name(option));
      }
    }
    return start + did_you_mean(name, std::vector<std::string_view>(names.begin(), names.end()));
  }

  Result<> assign(const Option& option, const std::string& value) {
    const std::string name = long_name(option);
    const bool again = !given_.insert(&option).second;
    if (again && !std::holds_alternative<std::vector<std::string>*>(option.target)) {
      return wrong(fmt::format("{}: given twice", name), name);
    }
    if (store(option, value)) return {};
    return wrong(fmt::format("{}: expected {}, got \"{}\"", name, expected(option), value), name);
  }

  Result<> check_times() const {
    for (const Option& option : command().options) {
      const auto* list = std::get_if<std::vector<std::string>*>(&option.target);
      const std::size_t most = option.allowed.times_max;
      if (list == nullptr || most == 0 || (*list)->size() <= most) continue;
      return wrong(
          fmt::format("{}: at most {} are taken, got {}", long_name(option), most, (*list)->size()),
          long_name(option));
    }
    return {};
  }

  Result<> check_required() const {
    for (const Option& option : command().options) {
      if (!option.allowed.required || given_.contains(&option)) continue;
      return wrong(fmt::format("{} is missing: {}", long_name(option), option.help), option.name);
    }
    return {};
  }

  bool is_given(std::string_view name) const {
    return std::any_of(given_.begin(), given_.end(),
                       [name](const Option* option) { return long_name(*option) == name; });
  }

  Result<> check_exclusive() const {
    for (const auto& [one, other] : command().exclusive) {
      if (!is_given(one) || !is_given(other)) continue;
      return wrong(fmt::format("{} and {}: give one of them alone", one, other), other);
    }
    return {};
  }

  std::span<const std::string> words_;
  std::size_t at_ = 0;
  CommandCall call_;
  bool help_wanted_ = false;
  std::vector<const Option*> arguments_;
  std::size_t next_argument_ = 0;
  std::set<const Option*> given_;
};

std::string default_text(const Option& option) {
  if (const auto* text = std::get_if<std::string*>(&option.target)) return **text;
  if (const auto* whole = std::get_if<int*>(&option.target)) {
    return **whole == 0 ? "" : fmt::format("{}", **whole);
  }
  return {};
}

// `text` broken at spaces into lines that begin at `column`.
std::string wrapped(std::string_view text, std::size_t column) {
  const std::size_t width = kHelpWidth - column;
  std::string lines;
  while (text.size() > width) {
    auto cut = text.rfind(' ', width);
    if (cut == std::string_view::npos || cut == 0) cut = text.find(' ', width);
    if (cut == std::string_view::npos) break;
    lines += std::string(text.substr(0, cut)) + "\n" + std::string(column, ' ');
    text.remove_prefix(cut + 1);
  }
  return lines + std::string(text) + "\n";
}

std::string help_row(const std::string& left, const std::string& right) {
  std::string row = "  " + left;
  if (row.size() + 2 > kHelpColumn) {
    row += "\n" + std::string(kHelpColumn, ' ');
  } else {
    row.append(kHelpColumn - row.size(), ' ');
  }
  return row + wrapped(right, kHelpColumn);
}

std::string option_row(const Option& option) {
  std::string help = option.help;
  const Allowed& allowed = option.allowed;
  if (!allowed.choices.empty() || (allowed.min && allowed.max)) help += "; " + expected(option);
  if (const std::string value = default_text(option); !value.empty()) help += " [" + value + "]";
  return help_row(option_form(option), help);
}

std::string usage(const std::vector<const Command*>& path) {
  const Command& command = *path.back();
  std::string line = "Usage: " + full_name(path);
  if (!command.commands.empty()) return line + " COMMAND\n";
  for (const Option& option : command.options) {
    if (!is_argument(option)) continue;
    const std::string form = option_form(option);
    line += option.allowed.required ? " " + form : " [" + form + "]";
  }
  return line + " [OPTION...]\n";
}

}  // namespace

Result<CommandCall> parse_command_line(const Command& program, std::span<const std::string> words) {
  return Parser(program, words).parse();
}

std::string help_text(const std::vector<const Command*>& path) {
  const Command& command = *path.back();
  std::string text = command.help + "\n\n" + usage(path);
  const auto add = [&](const char* title, const std::string& rows) {
    if (!rows.empty()) text += fmt::format("\n{}:\n{}", title, rows);
  };
  std::string commands, arguments, own, settings;
  for (const Command& child : command.commands) commands += help_row(child.name, child.help);
  for (const Option& option : command.options) {
    if (option.group == OptionGroup::hidden) continue;
    (is_argument(option)                     ? arguments
     : option.group == OptionGroup::settings ? settings
                                             : own) += option_row(option);
  }
  own += help_row("-h, --help", "Print this help");
  if (path.size() == 1) own += help_row("--version", "Print the version");
  add("Commands", commands);
  add("Arguments", arguments);
  add("Options", own);
  add("Settings", settings);
  if (!command.footer.empty()) text += "\n" + command.footer + "\n";
  return text;
}

std::string option_form(const Option& option) {
  if (is_argument(option)) return upper(option.name);
  std::string form = option.name;
  if (const auto comma = form.find(','); comma != std::string::npos) form.insert(comma + 1, " ");
  if (may_be_bare(option)) return form;
  const std::string& value = option.allowed.value_name;
  return form + " " + (!value.empty() ? value : is_number(option) ? "NUMBER" : "TEXT");
}

bool is_argument(const Option& option) { return !option.name.starts_with('-'); }

}  // namespace imagined::cli
