// Whether a text may be worked on: the one call that every service makes before it reserves a
// price, however it is asked (docs/moderation.md).
#pragma once

#include <string>
#include <string_view>

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
  bool passes_when_down = false;  // texts, while the classifier gives no answer
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

  /// Of the policy that holds for a team.
  const std::string& version(std::string_view team_id) const {
    return parts_.policies.of(team_id).version();
  }

 private:
  bool refuses(const ModerationVerdict& verdict) const;
  Result<ModerationVerdict> judge(std::string_view text, const ModerationPolicy& policy);
  Result<ModerationVerdict> ask_classifier(std::string_view text, const ModerationPolicy& policy);
  void write_down(const ModerationVerdict& verdict, bool refused, std::string_view text,
                  const Charge& charge) const;

  Parts parts_;
  ModeratorOptions options_;
  Breaker breaker_;
};

}  // namespace imagined::service
