// The one table of how a job may move; every store asks it before it writes a state.
#pragma once

#include "service/jobs/job.h"

namespace imagined::service {

/// queued -> running -> succeeded | failed | cancelled; running -> queued when the worker died;
/// queued -> failed | cancelled. Final states are final.
bool may_move(JobState from, JobState to);

/// Returns `to`; a move that is not in the table is our bug and kills the process.
JobState moved(JobState from, JobState to);

}  // namespace imagined::service
