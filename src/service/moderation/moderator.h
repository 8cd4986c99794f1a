// Whether a text may be worked on, and a picture given or delivered: the calls that every service
// makes before it reserves a price and before it keeps what it has made (docs/moderation.md).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/billing/ledger.h"
#include "service/moderation/breaker.h"
#include "service/moderation/policy.h"
#include "service/ports/content_classifier.h"
#include "service/ports/ledger_store.h"

namespace imagined::service {

struct ModeratorOptions {
  bool shadow = false;  // says what it would refuse, and refuses only what is of the floor
  bool passes_when_down = false;  // while the classifier gives no answer
  bool pictures = false;          // are judged by the classifier, too
};

/// Any thread may call it; calls block on the classifier and, for a refusal, on the books.
class Moderator {
 public:
  /// The references must outlive it. No classifier: words alone.
  struct Parts {
    const ModerationPolicies& policies;
    ContentClassifier* classifier = nullptr;
    LedgerStore& ledger;
    const Clock& clock;
  };
  explicit Moderator(Parts parts, ModeratorOptions options = {})
      : parts_(parts), options_(options) {}

  /// Lets a text pass that is to become what `charge` would be for, or refuses it:
  /// `invalid_argument` with the reason `content_moderated`, written into the books as
  /// `prompt_blocked`; `unavailable` with `moderation_unavailable`. What is found is logged, with
  /// the hash of the text.
  Result<void> check(std::string_view text, const Charge& charge);

  bool judges_pictures() const { return options_.pictures && parts_.classifier != nullptr; }
  /// The same for a picture that was given ("the image was rejected ...").
  Result<void> check_given(const PictureToJudge& picture, const Charge& charge);
  /// For one that was made and is not kept yet. The books are written by the end of its job, whose
  /// charge it is: an error with the reason `content_moderated` ends it as `picture_blocked`.
  Result<void> check_made(const PictureToJudge& picture, const Charge& charge);

  /// Changes with everything that could change a verdict on what a team asks for.
  std::string version(std::string_view team_id) const;

 private:
  /// What is judged, as the log names it.
  struct Subject {
    std::string_view hash_name;  // "prompt_sha256"
    std::string hash;
    std::string_view prompt;  // empty: it is none
  };
  using Ask = std::function<Result<std::vector<CategoryScore>>(ContentClassifier&)>;

  bool refuses(const ModerationVerdict& verdict) const;
  Result<ModerationVerdict> judge(std::string_view text, const ModerationPolicy& policy);
  Result<ModerationVerdict> ask_classifier(const Ask& ask, const ModerationPolicy& policy);
  Result<ModerationVerdict> judge_picture(const PictureToJudge& picture, ModerationStage stage,
                                          const Charge& charge);
  /// Refuses what no job was made for, and writes it into the books.
  tl::unexpected<Error> refused_unworked(std::string message, std::string field,
                                         const Charge& charge) const;
  void write_down(const ModerationVerdict& verdict, bool refused, const Subject& subject,
                  const Charge& charge) const;

  Parts parts_;
  ModeratorOptions options_;
  Breaker breaker_;
};

}  // namespace imagined::service
