#pragma once

#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/accounts/caller.h"
#include "service/jobs/job.h"
#include "service/jobs/stranded.h"
#include "service/ports/job_events.h"
#include "service/ports/job_store.h"
#include "service/ports/worker_bell.h"

namespace imagined::service {

/// The store of jobs with its bells: what has been committed is told to workers and waiters. The
/// bells may be lost, the rows are the truth. Any thread may call it; calls block on the store.
class JobQueue {
 public:
  /// The references must outlive the queue.
  JobQueue(JobStore& store, JobEvents& events, WorkerBell& bell)
      : store_(store), events_(events), bell_(bell) {}

  /// As JobStore::insert; a full queue says when it will have room, as far as that is known.
  Result<Job> insert(const NewJob& wanted);

  /// As JobStore::find_keyed, for the caller's team.
  Result<std::optional<Job>> find_keyed(const Caller& caller, std::string_view idempotency_key,
                                        std::string_view request_hash);

  Result<QueuePace> pace() { return store_.pace(); }

  /// A job of another team is not found.
  Result<Job> find(const Caller& caller, std::string_view job_id);
  /// What it has asked for, as JobStore::payload.
  Result<JobPayload> payload(const Caller& caller, std::string_view job_id);
  /// The job after it; a final job stays what it is. Stops the worker within a step.
  Result<Job> cancel(const Caller& caller, std::string_view job_id);
  /// As JobStore::give_up, for a caller that was asked already who it is.
  Result<Job> give_up(std::string_view job_id, EndedBy by);

  /// To be called when a worker process has ended, when the server has started, and every few
  /// seconds for leases: queues the jobs again or fails them. How many moved. When it fails for a
  /// worker that has ended, of which nobody will hear again, the next call for leases does it too.
  Result<int> rescue(const Stranded& stranded);
  /// Fails what nobody has begun in time; how many.
  Result<int> end_overdue();

 private:
  Job tell_if_cancelled(Job job);
  Result<int> move_stranded(const Stranded& stranded);

  JobStore& store_;
  JobEvents& events_;
  WorkerBell& bell_;
  std::mutex mutex_;
  std::vector<Stranded> not_rescued_;  // of workers that have ended
};

}  // namespace imagined::service
