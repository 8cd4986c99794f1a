#include "config/moderation.h"

#include <fmt/core.h>

#include <toml++/toml.h>
#include <filesystem>
#include <utility>

#include "base/file.h"

namespace imagined::config {
namespace {

using service::ModerationRules;

constexpr std::size_t kPolicyBytesMax = 8 << 20;

// Where a value stands, for errors: "moderation.toml:7: ...".
class Place {
 public:
  explicit Place(std::string file) : file_(std::move(file)) {}

  tl::unexpected<Error> refuse(const toml::node& node, std::string_view what) const {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}:{}: {}", file_, node.source().begin.line, what), "moderation_file");
  }
  const std::string& file() const { return file_; }

 private:
  std::string file_;
};

Result<std::vector<std::string>> read_terms(const toml::node& node, std::string_view name,
                                            const Place& place) {
  const auto wrong = [&] {
    return place.refuse(node, fmt::format("{}: expected a list of texts", name));
  };
  const auto* array = node.as_array();
  if (array == nullptr) return wrong();
  std::vector<std::string> terms;
  for (const toml::node& element : *array) {
    const auto* text = element.as_string();
    if (text == nullptr) return wrong();
    terms.push_back(text->get());
  }
  return terms;
}

Result<void> read_category(const std::string& name, const toml::table& table, const Place& place,
                           ModerationRules& rules) {
  service::CategoryRule& rule = rules.categories[name];
  for (const auto& [key, node] : table) {
    if (key == "action") {
      const auto* word = node.as_string();
      if (word != nullptr) rule.action = service::parse_moderation_action(word->get());
      if (!rule.action) return place.refuse(node, "action: expected one of allow, flag, block");
    } else if (key == "threshold") {
      rule.threshold = node.value<double>();
      if (!rule.threshold) return place.refuse(node, "threshold: expected a number from 0 to 1");
    } else if (key == "terms") {
      rules.words.push_back({.category = name});
      rules.words.back().one_of_each.push_back(TRY(read_terms(node, "terms", place)));
    } else if (key == "together") {
      const auto* lists = node.as_array();
      if (lists == nullptr)
        return place.refuse(node, "together: expected a list of lists of texts");
      service::LexicalRule together{.category = name};
      for (const toml::node& list : *lists)
        together.one_of_each.push_back(TRY(read_terms(list, "together", place)));
      rules.words.push_back(std::move(together));
    } else {
      return place.refuse(
          node, fmt::format("{}: expected action, threshold, terms or together", key.str()));
    }
  }
  return {};
}

using Teams = std::map<std::string, ModerationRules, std::less<>>;

// `teams` is null inside a team's own table.
Result<void> read_rules(const toml::table& table, const Place& place, ModerationRules& rules,
                        Teams* teams) {
  for (const auto& [key, node] : table) {
    const toml::table* inner = node.as_table();
    if (key == "logs_prompts") {
      rules.logs_prompts = node.value_exact<bool>();
      if (!rules.logs_prompts) return place.refuse(node, "logs_prompts: expected true or false");
    } else if (key == "harmless") {
      rules.harmless = TRY(read_terms(node, "harmless", place));
    } else if (key == "categories" && inner != nullptr) {
      for (const auto& [name, category] : *inner) {
        if (!category.is_table())
          return place.refuse(category, "expected a table, write [categories.NAME]");
        TRY(read_category(std::string(name.str()), *category.as_table(), place, rules));
      }
    } else if (key == "teams" && inner != nullptr && teams != nullptr) {
      for (const auto& [name, team] : *inner) {
        if (!team.is_table()) return place.refuse(team, "expected a table, write [teams.NAME]");
        TRY(read_rules(*team.as_table(), place, (*teams)[std::string(name.str())], nullptr));
      }
    } else {
      return place.refuse(node, fmt::format("{}: expected logs_prompts, harmless, a table of "
                                            "categories{}",
                                            key.str(), teams == nullptr ? "" : " or one of teams"));
    }
  }
  return {};
}

Result<toml::table> parse(const std::string& text, const std::string& file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}:{}: {}", file, error.source().begin.line, error.description()),
                "moderation_file");
  }
}

}  // namespace

Result<service::ModerationPolicies> load_moderation(const std::string& file) {
  ModerationRules everyone;
  Teams teams;
  const Place place(std::filesystem::path(file).filename().string());
  if (!file.empty()) {
    const std::string text =
        TRY(read_file(file, fmt::format("moderation_file: {}", file), kPolicyBytesMax));
    const toml::table table = TRY(parse(text, place.file()));
    TRY(read_rules(table, place, everyone, &teams));
  }
  auto policies = service::ModerationPolicies::make(everyone, teams);
  if (!policies)
    return fail(policies.error().code,
                fmt::format("{}: {}", place.file(), policies.error().message), "moderation_file");
  return policies;
}

}  // namespace imagined::config
