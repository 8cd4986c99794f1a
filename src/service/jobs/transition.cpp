#include "service/jobs/transition.h"

#include "base/check.h"

namespace imagined::service {

bool may_move(JobState from, JobState to) {
  switch (from) {
    case JobState::queued:
      return to == JobState::running || to == JobState::failed || to == JobState::cancelled;
    case JobState::running:
      return to != JobState::running;
    case JobState::succeeded:
    case JobState::failed:
    case JobState::cancelled:
      return false;
  }
  CHECK(false, "no job state {}", static_cast<int>(from));
}

JobState moved(JobState from, JobState to) {
  CHECK(may_move(from, to), "a job may not move from {} to {}", to_string(from), to_string(to));
  return to;
}

}  // namespace imagined::service
