#include "service/jobs/transition.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace imagined::service {
namespace {

using enum JobState;

const std::set<std::pair<JobState, JobState>> kAllowed = {
    {queued, running},    {queued, failed},  {queued, cancelled},  {running, queued},
    {running, succeeded}, {running, failed}, {running, cancelled},
};

TEST(Transition, AllowsExactlyTheMovesOfTheTable) {
  for (const JobState from : {queued, running, succeeded, failed, cancelled})
    for (const JobState to : {queued, running, succeeded, failed, cancelled})
      EXPECT_EQ(may_move(from, to), kAllowed.contains({from, to}))
          << to_string(from) << " to " << to_string(to);
}

TEST(TransitionDeathTest, DiesOnAMoveThatCannotBe) {
  EXPECT_DEATH(static_cast<void>(moved(succeeded, queued)),
               "a job may not move from succeeded to queued");
}

TEST(JobState, ReadsBackWhatItWrites) {
  for (const JobState state : {queued, running, succeeded, failed, cancelled})
    EXPECT_EQ(parse_job_state(to_string(state)), state);
  EXPECT_EQ(parse_job_state("dead").error().code, ErrorCode::data_loss);
}

}  // namespace
}  // namespace imagined::service
