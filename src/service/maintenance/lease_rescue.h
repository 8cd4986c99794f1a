#pragma once

#include "service/jobs/job_queue.h"
#include "service/maintenance/duty.h"

namespace imagined::service {

/// Gives the jobs of workers that have fallen silent to others. Every five seconds: with a lease of
/// a minute that is soon enough, and it asks one small index.
Duty lease_rescue(JobQueue& queue);

}  // namespace imagined::service
