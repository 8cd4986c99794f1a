#include "service/jobs/transition.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace imagined::service {
namespace {

using State = JobState;
using Why = Stranded::Why;

constexpr State kAll[] = {State::queued, State::running, State::succeeded, State::failed,
                          State::cancelled};

const std::set<std::pair<State, State>> kAllowed = {
    {State::queued, State::running},    {State::queued, State::failed},
    {State::queued, State::cancelled},  {State::running, State::queued},
    {State::running, State::succeeded}, {State::running, State::failed},
    {State::running, State::cancelled},
};

Job running_job(int attempt) {
  return {
      .id = "j", .state = State::running, .attempt = attempt, .worker_id = "w", .lease_token = "t"};
}

TEST(Transition, AllowsExactlyTheMovesOfTheTable) {
  for (const State from : kAll)
    for (const State to : kAll)
      EXPECT_EQ(may_move(from, to), kAllowed.contains({from, to}))
          << to_string(from) << " to " << to_string(to);
}

TEST(TransitionDeathTest, DiesOnAMoveThatCannotBe) {
  EXPECT_DEATH(static_cast<void>(released(succeeded(running_job(1), 5))),
               "a job may not move from succeeded to queued");
  EXPECT_DEATH(static_cast<void>(claimed(running_job(1), "w", "t", 5)),
               "a job may not move from running to running");
}

TEST(Transition, NoJobThatIsNotRunningHasALease) {
  EXPECT_EQ(claimed(Job{}, "w", "t", 5).lease_token, "t");
  for (const Job& job : {succeeded(running_job(1), 5), failed(running_job(1), Error{}, 5),
                         cancelled(running_job(1), 5), released(running_job(1)),
                         rescued(running_job(1), Why::worker_died, false, 5)})
    EXPECT_EQ(job.lease_token, "") << to_string(job.state);
}

TEST(Transition, OnlyAnEndHasATime) {
  for (const Job& job :
       {succeeded(running_job(1), 5), failed(Job{}, Error{}, 5), cancelled(Job{}, 5)})
    EXPECT_EQ(job.finished_ms, 5) << to_string(job.state);
  EXPECT_EQ(released(running_job(1)).finished_ms, 0);
}

TEST(Transition, AClaimCountsUnlessItIsGivenBack) {
  EXPECT_EQ(claimed(Job{}, "w", "t", 5).attempt, 1);
  EXPECT_EQ(released(claimed(Job{}, "w", "t", 5)).attempt, 0);
}

TEST(Transition, AJobThatCostsTwoWorkersTheirLivesFails) {
  const Job once = rescued(running_job(1), Why::worker_died, false, 5);
  EXPECT_EQ(once.state, State::queued);
  EXPECT_EQ(once.attempt, 1);
  for (const Why why : {Why::worker_died, Why::lease_expired}) {
    const Job twice = rescued(running_job(2), why, false, 5);
    EXPECT_EQ(twice.state, State::failed);
    EXPECT_EQ(twice.error->message, "the worker stopped twice while making this picture");
  }
}

TEST(Transition, TheEndOfAServerIsNotHeldAgainstAJob) {
  Job job = running_job(2);
  for (int restart = 0; restart < 10; ++restart) {
    job = rescued(job, Why::restarted, false, 5);
    EXPECT_EQ(job.state, State::queued);
    job = claimed(job, "w", "t", 5);
    EXPECT_EQ(job.attempt, 2);
  }
}

TEST(Transition, AJobThatNobodyWantsAnyMoreIsNotMadeAgain) {
  const Job job = running_job(1);
  EXPECT_EQ(rescued(job, Why::restarted, false, 100).state, State::queued);
  const Job late = rescued(job, Why::restarted, true, 100);
  EXPECT_EQ(late.state, State::failed);
  EXPECT_EQ(late.error->code, ErrorCode::deadline_exceeded);
}

TEST(JobState, ReadsBackWhatItWrites) {
  for (const State state : kAll) EXPECT_EQ(parse_job_state(to_string(state)), state);
  EXPECT_EQ(parse_job_state("dead").error().code, ErrorCode::data_loss);
}

TEST(JobKind, OfANewerProgramIsNone) {
  EXPECT_EQ(parse_job_kind("pictures"), JobKind::pictures);
  EXPECT_EQ(parse_job_kind("holograms"), std::nullopt);
}

}  // namespace
}  // namespace imagined::service
