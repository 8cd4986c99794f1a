// What a team may ask for: actions by category, above a floor that nobody can lower. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/moderation/lexicon.h"
#include "service/ports/content_classifier.h"

namespace imagined::service {

/// In order of strength; spelled as in the policy file.
enum class ModerationAction : std::uint8_t { allow, flag, block };
std::string_view to_string(ModerationAction action);
/// None for anything else.
std::optional<ModerationAction> parse_moderation_action(std::string_view text);

/// Where a verdict came from: the words of a prompt, a classifier of it, one of a picture that was
/// given, one of a picture that was made.
enum class ModerationStage : std::uint8_t { words, classifier, given_picture, made_picture };
std::string_view to_string(ModerationStage stage);

/// What a policy says of one category. What it leaves open is inherited: a team's from everyone's,
/// everyone's is to block what its terms find and what the classifier itself flags.
struct CategoryRule {
  std::optional<ModerationAction> action;
  std::optional<double> threshold;  // of the classifier's score, 0 to 1, instead of its own word
};

/// As an operator writes it down.
struct ModerationRules {
  std::map<std::string, CategoryRule, std::less<>> categories;
  std::vector<LexicalRule> words;
  std::vector<std::string> harmless;
  std::optional<bool> logs_prompts;
};

struct ModerationVerdict {
  ModerationAction action = ModerationAction::allow;
  std::string category;  // empty: nothing was found
  ModerationStage stage = ModerationStage::words;
  double score = 0;       // of the classifier
  bool is_floor = false;  // it is not the operator's to overrule
};

/// Of one team. Immutable, so any thread may use it.
class ModerationPolicy {
 public:
  /// The built-in rules, `everyone` and `team`, each on top of those before; the last two must have
  /// been checked.
  static Result<ModerationPolicy> make(const ModerationRules& everyone,
                                       const ModerationRules& team);

  /// The strongest verdict. `invalid_argument` for a text that is made to cost time.
  Result<ModerationVerdict> judge_words(std::string_view text) const;
  ModerationVerdict judge_scores(std::span<const CategoryScore> scores) const;

  /// Changes with everything that could change a verdict.
  const std::string& version() const { return version_; }
  bool logs_prompts() const { return logs_prompts_; }

 private:
  ModerationPolicy() = default;
  ModerationAction action_of(std::string_view category) const;

  std::map<std::string, CategoryRule, std::less<>> categories_;
  std::shared_ptr<const Lexicon> words_;
  bool logs_prompts_ = false;
  std::string version_;
};

/// Those of all teams; fixed after start.
class ModerationPolicies {
 public:
  /// `invalid_argument` names the category or term: an action for a category of the floor, a
  /// threshold outside 0 to 1, a term without letters.
  static Result<ModerationPolicies> make(
      const ModerationRules& everyone,
      const std::map<std::string, ModerationRules, std::less<>>& teams);

  const ModerationPolicy& of(std::string_view team_id) const;

 private:
  explicit ModerationPolicies(ModerationPolicy everyone) : everyone_(std::move(everyone)) {}

  ModerationPolicy everyone_;
  std::map<std::string, ModerationPolicy, std::less<>> teams_;
};

}  // namespace imagined::service
