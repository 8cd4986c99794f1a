#include "service/moderation/policy.h"

#include <fmt/format.h>

#include <array>
#include <tuple>
#include <utility>

#include "base/crypto.h"
#include "service/moderation/built_in.h"
#include "service/moderation/floor.h"

namespace imagined::service {
namespace {

constexpr std::array<std::string_view, 3> kActions = {"allow", "flag", "block"};
constexpr std::array<std::string_view, 4> kStages = {"words", "classifier", "given_picture",
                                                     "made_picture"};

Result<void> check_rules(const ModerationRules& rules) {
  for (const auto& [name, rule] : rules.categories) {
    if (name == kFloorCategory &&
        rule.action.value_or(ModerationAction::block) != ModerationAction::block)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: is blocked whatever a policy says; leave the action out", name),
                  name);
    const double threshold = rule.threshold.value_or(0);
    if (!(threshold >= 0 && threshold <= 1))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: the threshold is {}, expected 0 to 1", name, threshold), name);
  }
  return {};
}

template <class T>
void append(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

// Everything that a verdict depends on, each piece with its length, so that no two policies spell
// the same.
class Fingerprint {
 public:
  void add(std::string_view text) { bytes_ += fmt::format("{}:{}\n", text.size(), text); }
  void add(const std::vector<LexicalRule>& rules) {
    for (const LexicalRule& rule : rules) {
      add(rule.category);
      for (const auto& list : rule.one_of_each) {
        add(std::string_view("list"));
        for (const std::string& term : list) add(term);
      }
    }
  }
  std::string text() const { return to_hex(sha256(bytes_)).substr(0, 12); }

 private:
  std::string bytes_ = "moderation 1\n";  // to be raised when the readings of a text change
};

bool is_stronger(const ModerationVerdict& a, const ModerationVerdict& b) {
  return std::tuple(a.is_floor, a.action, a.score) > std::tuple(b.is_floor, b.action, b.score);
}

}  // namespace

std::string_view to_string(ModerationAction action) {
  return kActions[static_cast<std::size_t>(action)];
}

std::optional<ModerationAction> parse_moderation_action(std::string_view text) {
  for (std::size_t i = 0; i < kActions.size(); ++i)
    if (kActions[i] == text) return static_cast<ModerationAction>(i);
  return std::nullopt;
}

std::string_view to_string(ModerationStage stage) {
  return kStages[static_cast<std::size_t>(stage)];
}

Result<ModerationPolicy> ModerationPolicy::make(const ModerationRules& everyone,
                                                const ModerationRules& team) {
  ModerationPolicy policy;
  policy.categories_ = everyone.categories;
  for (const auto& [name, rule] : team.categories) {
    CategoryRule& own = policy.categories_[name];
    if (rule.action) own.action = rule.action;
    if (rule.threshold) own.threshold = rule.threshold;
  }
  std::vector<LexicalRule> words = built_in_rules();
  append(words, everyone.words);
  append(words, team.words);
  std::vector<std::string> harmless = everyone.harmless;
  append(harmless, team.harmless);
  policy.words_ = TRY(Lexicon::make(words, harmless));
  policy.logs_prompts_ = team.logs_prompts.value_or(everyone.logs_prompts.value_or(false));

  Fingerprint fingerprint;
  fingerprint.add(floor_lexicon().rules());
  fingerprint.add(words);
  for (const std::string& term : harmless) fingerprint.add(term);
  for (const auto& [name, rule] : policy.categories_) {
    fingerprint.add(name);
    fingerprint.add(to_string(policy.action_of(name)));
    fingerprint.add(rule.threshold ? fmt::format("{}", *rule.threshold) : std::string("its own"));
  }
  policy.version_ = fingerprint.text();
  return policy;
}

ModerationAction ModerationPolicy::action_of(std::string_view category) const {
  const auto rule = categories_.find(category);
  if (rule == categories_.end()) return ModerationAction::block;
  return rule->second.action.value_or(ModerationAction::block);
}

Result<ModerationVerdict> ModerationPolicy::judge_words(std::string_view text) const {
  if (!TRY(floor_lexicon().broken_by(text)).empty())
    return ModerationVerdict{.action = ModerationAction::block,
                             .category = std::string(kFloorCategory),
                             .is_floor = true};
  ModerationVerdict strongest;
  for (std::string& category : TRY(words_->broken_by(text))) {
    ModerationVerdict verdict{.action = action_of(category), .category = std::move(category)};
    verdict.is_floor = verdict.category == kFloorCategory;
    if (is_stronger(verdict, strongest)) strongest = std::move(verdict);
  }
  return strongest;
}

ModerationVerdict ModerationPolicy::judge_scores(std::span<const CategoryScore> scores) const {
  ModerationVerdict strongest{.stage = ModerationStage::classifier};
  for (const CategoryScore& each : scores) {
    const bool is_floor = each.category == kFloorCategory;
    const auto rule = categories_.find(each.category);
    const auto threshold = rule == categories_.end() ? std::nullopt : rule->second.threshold;
    const bool above = threshold && each.score >= *threshold;
    // A policy may be stricter with the floor than the classifier is, never laxer.
    const bool found = is_floor ? each.flagged || above : threshold ? above : each.flagged;
    if (!found) continue;
    ModerationVerdict verdict{.action = action_of(each.category),
                              .category = each.category,
                              .stage = ModerationStage::classifier,
                              .score = each.score,
                              .is_floor = is_floor};
    if (is_stronger(verdict, strongest)) strongest = std::move(verdict);
  }
  return strongest;
}

Result<ModerationPolicies> ModerationPolicies::make(
    const ModerationRules& everyone,
    const std::map<std::string, ModerationRules, std::less<>>& teams) {
  TRY(check_rules(everyone));
  ModerationPolicies policies(TRY(ModerationPolicy::make(everyone, {})));
  for (const auto& [team, rules] : teams) {
    TRY(check_rules(rules));
    policies.teams_.emplace(team, TRY(ModerationPolicy::make(everyone, rules)));
  }
  return policies;
}

const ModerationPolicy& ModerationPolicies::of(std::string_view team_id) const {
  const auto team = teams_.find(team_id);
  return team == teams_.end() ? everyone_ : team->second;
}

}  // namespace imagined::service
