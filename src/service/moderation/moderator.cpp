#include "service/moderation/moderator.h"

#include <fmt/format.h>

#include <utility>

#include "base/crypto.h"
#include "base/log.h"

namespace imagined::service {
namespace {

Error refusal(const ModerationVerdict& verdict) {
  return {.code = ErrorCode::invalid_argument,
          .message =
              fmt::format("The prompt was rejected by content moderation ({}).", verdict.category),
          .field = "prompt",
          .reason = ErrorReason::content_moderated};
}

}  // namespace

Result<void> Moderator::check(std::string_view text, const Charge& charge) {
  const ModerationPolicy& policy = parts_.policies.of(charge.owner.team_id);
  const ModerationVerdict verdict = TRY(judge(text, policy));
  if (verdict.action == ModerationAction::allow) return {};
  const bool refused = refuses(verdict);
  write_down(verdict, refused, text, charge);
  if (!refused) return {};
  // A line of the usage, not a condition of the refusal.
  const auto recorded =
      parts_.ledger.record({.charge = charge}, {.outcome = Outcome::prompt_blocked});
  if (!recorded)
    log(LogLevel::error, "refusal_not_recorded", "reason={:?}", recorded.error().message);
  return tl::unexpected(refusal(verdict));
}

bool Moderator::refuses(const ModerationVerdict& verdict) const {
  return verdict.action == ModerationAction::block && (verdict.is_floor || !options_.shadow);
}

// The strongest verdict of all stages; the classifier is not asked when the words decide.
Result<ModerationVerdict> Moderator::judge(std::string_view text, const ModerationPolicy& policy) {
  ModerationVerdict by_words = TRY(policy.judge_words(text));
  if (parts_.classifier == nullptr || refuses(by_words)) return by_words;
  ModerationVerdict by_classifier = TRY(ask_classifier(text, policy));
  const bool is_stronger = refuses(by_classifier) || by_classifier.action > by_words.action;
  return is_stronger ? std::move(by_classifier) : std::move(by_words);
}

Result<ModerationVerdict> Moderator::ask_classifier(std::string_view text,
                                                    const ModerationPolicy& policy) {
  std::string why = "it has failed too often";
  if (breaker_.may_try(parts_.clock.monotonic_ms())) {
    const auto scores = parts_.classifier->classify(text);
    if (scores) {
      breaker_.succeeded();
      return policy.judge_scores(*scores);
    }
    breaker_.failed(parts_.clock.monotonic_ms());
    why = scores.error().detail.empty() ? scores.error().message : scores.error().detail;
  }
  log(LogLevel::warn, "classifier_down", "passes={} reason={:?}", options_.passes_when_down, why);
  if (options_.passes_when_down) return ModerationVerdict{};
  return tl::unexpected(Error{.code = ErrorCode::unavailable,
                              .message = "the moderation of prompts is not available at the moment",
                              .reason = ErrorReason::moderation_unavailable});
}

// The one line an operator reads; the prompt itself is in it when the policy says so.
void Moderator::write_down(const ModerationVerdict& verdict, bool refused, std::string_view text,
                           const Charge& charge) const {
  const ModerationPolicy& policy = parts_.policies.of(charge.owner.team_id);
  std::string fields = fmt::format(
      "id={} team={} key={} stage={} category={:?} score={:.3f} action={} refused={} policy={} "
      "prompt_sha256={}",
      charge.id, charge.owner.team_id, charge.owner.key_id, to_string(verdict.stage),
      verdict.category, verdict.score, to_string(verdict.action), refused, policy.version(),
      to_hex(sha256(text)));
  if (policy.logs_prompts()) fields += fmt::format(" prompt={:?}", text);
  log(LogLevel::warn, "moderated", "{}", fields);
}

}  // namespace imagined::service
