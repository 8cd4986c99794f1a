#include "service/billing/job_outcome.h"

#include <gtest/gtest.h>

namespace imagined::service {
namespace {

Outcome outcome(JobState before, JobState after, EndedBy by, ErrorCode code = ErrorCode::internal) {
  Job ended{.id = "j", .state = after};
  if (after == JobState::failed) ended.error = Error{.code = code};
  return settlement_of({.id = "j", .state = before}, ended, by, 0).outcome;
}

TEST(JobOutcome, IsByWhatTheJobDidAndWhoEndedIt) {
  constexpr auto kQueued = JobState::queued;
  constexpr auto kRunning = JobState::running;
  constexpr auto kFailed = JobState::failed;
  constexpr auto kCancelled = JobState::cancelled;
  EXPECT_EQ(outcome(kRunning, JobState::succeeded, EndedBy::worker), Outcome::delivered);
  EXPECT_EQ(outcome(kQueued, kCancelled, EndedBy::customer), Outcome::cancelled_queued);
  EXPECT_EQ(outcome(kRunning, kCancelled, EndedBy::customer), Outcome::cancelled_running);
  EXPECT_EQ(outcome(kQueued, kCancelled, EndedBy::client_gone), Outcome::client_gone_queued);
  EXPECT_EQ(outcome(kRunning, kCancelled, EndedBy::client_gone), Outcome::client_gone_running);
  EXPECT_EQ(outcome(kRunning, kFailed, EndedBy::worker), Outcome::engine_failed);
  EXPECT_EQ(outcome(kRunning, kFailed, EndedBy::worker, ErrorCode::storage_full),
            Outcome::storage_failed);
  EXPECT_EQ(outcome(kRunning, kFailed, EndedBy::death), Outcome::worker_lost);
  EXPECT_EQ(outcome(kRunning, kFailed, EndedBy::death, ErrorCode::deadline_exceeded),
            Outcome::timed_out);
  EXPECT_EQ(outcome(kRunning, kCancelled, EndedBy::deadline), Outcome::timed_out);
  EXPECT_EQ(outcome(kQueued, kFailed, EndedBy::deadline, ErrorCode::deadline_exceeded),
            Outcome::timed_out);
}

TEST(JobOutcome, TellsWhatModerationRefusedFromWhatFailed) {
  const auto settled = [](ErrorCode code, ErrorReason reason) {
    Job ended{.id = "j", .state = JobState::failed};
    ended.error = Error{.code = code, .message = "told", .reason = reason};
    return settlement_of({.id = "j", .state = JobState::running}, ended, EndedBy::worker, 0);
  };
  EXPECT_EQ(settled(ErrorCode::invalid_argument, ErrorReason::content_moderated),
            (Settlement{.outcome = Outcome::picture_blocked, .why = "told"}));
  EXPECT_EQ(settled(ErrorCode::unavailable, ErrorReason::moderation_unavailable),
            (Settlement{.outcome = Outcome::engine_failed}));
}

}  // namespace
}  // namespace imagined::service
