// The one table of how a job may move, and every move there is: a function from the job before to
// the job after. A store writes down what they return (one statement in each store) and decides
// nothing; a move that is not in the table is our bug and kills the process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "service/jobs/job.h"
#include "service/jobs/stranded.h"

namespace imagined::service {

/// queued -> running -> succeeded | failed | cancelled; running -> queued when the worker died or
/// gave it back; queued -> failed | cancelled. Final states are final.
bool may_move(JobState from, JobState to);

/// Into a worker's hands. It counts as an attempt at once, so that a crash counts.
Job claimed(Job job, std::string_view worker_id, std::string lease_token, std::int64_t now_ms);
Job succeeded(Job job, std::int64_t now_ms);
/// `error.detail` is for logs and is not kept.
Job failed(Job job, const Error& error, std::int64_t now_ms);
Job cancelled(Job job, std::int64_t now_ms);
/// Back to the queue as if it had not been claimed.
Job released(Job job);
/// What becomes of a running job that has lost its worker: queued again; failed when it has cost
/// its worker kAttemptsMax lives, or when nobody wants it any more (`is_late`). The end of a server
/// is not held against it.
Job rescued(Job job, Stranded::Why why, bool is_late, std::int64_t now_ms);
/// A queued job that nobody has begun in time.
Job overdue(Job job, std::int64_t now_ms);

}  // namespace imagined::service
