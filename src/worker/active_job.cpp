#include "worker/active_job.h"

namespace imagined::worker {

// Not in the header: GCC 12 then takes the state of the stop source for uninitialized.
ActiveJob::ActiveJob(service::ClaimedJob job, std::int64_t now_ms)
    : claimed(std::move(job)), movement(now_ms), prolonged_ms(now_ms) {}

}  // namespace imagined::worker
