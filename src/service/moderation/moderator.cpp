#include "service/moderation/moderator.h"

#include <fmt/format.h>

#include <utility>

#include "base/crypto.h"
#include "base/log.h"

namespace imagined::service {
namespace {

tl::unexpected<Error> refusal(std::string message, std::string field) {
  return tl::unexpected(Error{.code = ErrorCode::invalid_argument,
                              .message = std::move(message),
                              .field = std::move(field),
                              .reason = ErrorReason::content_moderated});
}

}  // namespace

Result<void> Moderator::check(std::string_view text, const Charge& charge) {
  const ModerationPolicy& policy = parts_.policies.of(charge.owner.team_id);
  const ModerationVerdict verdict = TRY(judge(text, policy));
  if (verdict.action == ModerationAction::allow) return {};
  const bool refused = refuses(verdict);
  write_down(verdict, refused,
             {.hash_name = "prompt_sha256", .hash = to_hex(sha256(text)), .prompt = text}, charge);
  if (!refused) return {};
  return refused_unworked(
      fmt::format("The prompt was rejected by content moderation ({}).", verdict.category),
      "prompt", charge);
}

Result<void> Moderator::check_given(const PictureToJudge& picture, const Charge& charge) {
  const auto verdict = TRY(judge_picture(picture, ModerationStage::given_picture, charge));
  if (!refuses(verdict)) return {};
  return refused_unworked(
      fmt::format("the image was rejected by content moderation ({})", verdict.category), "image",
      charge);
}

Result<void> Moderator::check_made(const PictureToJudge& picture, const Charge& charge) {
  const auto verdict = TRY(judge_picture(picture, ModerationStage::made_picture, charge));
  if (!refuses(verdict)) return {};
  return refusal(
      fmt::format("Generated image rejected by content moderation ({}).", verdict.category), {});
}

Result<ModerationVerdict> Moderator::judge_picture(const PictureToJudge& picture,
                                                   ModerationStage stage, const Charge& charge) {
  if (!judges_pictures()) return ModerationVerdict{};
  const auto ask = [&](ContentClassifier& classifier) { return classifier.classify(picture); };
  ModerationVerdict verdict = TRY(ask_classifier(ask, parts_.policies.of(charge.owner.team_id)));
  verdict.stage = stage;
  if (verdict.action != ModerationAction::allow)
    write_down(verdict, refuses(verdict),
               {.hash_name = "picture_sha256", .hash = to_hex(sha256(picture.file)), .prompt = {}},
               charge);
  return verdict;
}

// The line of the usage is no condition of the refusal.
tl::unexpected<Error> Moderator::refused_unworked(std::string message, std::string field,
                                                  const Charge& charge) const {
  const auto recorded = parts_.ledger.record({.charge = charge},
                                             {.outcome = Outcome::prompt_blocked, .why = message});
  if (!recorded)
    log(LogLevel::error, "refusal_not_recorded", "reason={:?}", recorded.error().message);
  return refusal(std::move(message), std::move(field));
}

std::string Moderator::version(std::string_view team_id) const {
  const std::string& version = parts_.policies.of(team_id).version();
  return judges_pictures() ? version + "+pictures" : version;
}

bool Moderator::refuses(const ModerationVerdict& verdict) const {
  return verdict.action == ModerationAction::block && (verdict.is_floor || !options_.shadow);
}

// The strongest verdict of all stages; the classifier is not asked when the words decide.
Result<ModerationVerdict> Moderator::judge(std::string_view text, const ModerationPolicy& policy) {
  ModerationVerdict by_words = TRY(policy.judge_words(text));
  if (parts_.classifier == nullptr || refuses(by_words)) return by_words;
  const auto ask = [&](ContentClassifier& classifier) { return classifier.classify(text); };
  ModerationVerdict by_classifier = TRY(ask_classifier(ask, policy));
  const bool is_stronger = refuses(by_classifier) || by_classifier.action > by_words.action;
  return is_stronger ? std::move(by_classifier) : std::move(by_words);
}

Result<ModerationVerdict> Moderator::ask_classifier(const Ask& ask,
                                                    const ModerationPolicy& policy) {
  std::string why = "it has failed too often";
  if (breaker_.may_try(parts_.clock.monotonic_ms())) {
    const auto scores = ask(*parts_.classifier);
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
                              .message = "moderation is not available at the moment",
                              .reason = ErrorReason::moderation_unavailable});
}

// The one line an operator reads; the prompt itself is in it when the policy says so.
void Moderator::write_down(const ModerationVerdict& verdict, bool refused, const Subject& subject,
                           const Charge& charge) const {
  const ModerationPolicy& policy = parts_.policies.of(charge.owner.team_id);
  std::string fields = fmt::format(
      "id={} team={} key={} stage={} category={:?} score={:.3f} action={} refused={} policy={} "
      "{}={}",
      charge.id, charge.owner.team_id, charge.owner.key_id, to_string(verdict.stage),
      verdict.category, verdict.score, to_string(verdict.action), refused, policy.version(),
      subject.hash_name, subject.hash);
  if (policy.logs_prompts() && !subject.prompt.empty())
    fields += fmt::format(" prompt={:?}", subject.prompt);
  log(LogLevel::warn, "moderated", "{}", fields);
}

}  // namespace imagined::service
