#include "service/billing/job_outcome.h"

#include "base/check.h"

namespace imagined::service {
namespace {

Outcome outcome_of_error(ErrorCode code, std::string_view field) {
  switch (code) {
    case ErrorCode::deadline_exceeded:
      return Outcome::timed_out;
    case ErrorCode::unavailable:
      if (field == "model") return Outcome::engine_failed;  // nobody was there to make it
      return Outcome::storage_failed;
    case ErrorCode::storage_full:
    case ErrorCode::data_loss:
      return Outcome::storage_failed;
    default:
      return Outcome::engine_failed;
  }
}

Outcome outcome_of(const Job& before, const Job& after, EndedBy by) {
  const bool had_begun = before.state == JobState::running;
  if (after.state == JobState::succeeded) return Outcome::delivered;
  if (by == EndedBy::deadline) return Outcome::timed_out;
  if (after.state == JobState::cancelled) {
    if (by == EndedBy::client_gone)
      return had_begun ? Outcome::client_gone_running : Outcome::client_gone_queued;
    return had_begun ? Outcome::cancelled_running : Outcome::cancelled_queued;
  }
  if (after.error && after.error->reason == ErrorReason::content_moderated)
    return Outcome::picture_blocked;
  if (after.error && after.error->reason == ErrorReason::moderation_unavailable)
    return Outcome::engine_failed;
  const ErrorCode code = after.error ? after.error->code : ErrorCode::internal;
  if (by == EndedBy::death && code != ErrorCode::deadline_exceeded) return Outcome::worker_lost;
  return outcome_of_error(code, after.error ? std::string_view(after.error->field) : "");
}

}  // namespace

Settlement settlement_of(const Job& before, const Job& after, EndedBy by, std::int64_t delivered) {
  CHECK(is_final(after.state), "job {} has not ended", after.id);
  Settlement settlement{.outcome = outcome_of(before, after, by), .delivered = delivered};
  if (settlement.outcome == Outcome::picture_blocked) settlement.why = after.error->message;
  return settlement;
}

}  // namespace imagined::service
