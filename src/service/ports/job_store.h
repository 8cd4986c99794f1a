#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "service/billing/job_outcome.h"
#include "service/billing/ledger.h"
#include "service/jobs/job.h"
#include "service/jobs/payload.h"
#include "service/jobs/queue_pace.h"
#include "service/jobs/stranded.h"
#include "service/limits/limit.h"
#include "service/pictures/picture.h"

namespace imagined::service {

/// Everything that begins with a job, kept in one commit.
struct NewJob {
  Job job;  // queued
  JobPayload payload;
  std::int64_t queue_limit = 0;                                           // jobs that may wait
  std::int64_t in_flight_max = std::numeric_limits<std::int64_t>::max();  // jobs of its key
  std::optional<Reservation> reservation;  // what the books must hold for it; none: nothing
  std::string request_hash;                // the same for the same request only
  /// With one, an open job of the team with the same is as good: it is given instead of a new one.
  std::string share_key;
  /// Set when the client asks again by itself, without an idempotency key, because it has lost the
  /// answer: it is given the job of the same API key and request that was taken since this time,
  /// unless that came to nothing.
  std::optional<std::int64_t> attach_since_ms;
};

/// A worker's right to a job. The token alone says which it is.
struct Lease {
  std::string job_id;
  std::string token;
};

/// A job in a worker's hands, and what it asks for.
struct ClaimedJob {
  Job job;
  JobPayload payload;

  Lease lease() const { return {job.id, job.lease_token}; }
};

/// A job that was made, and its pictures, whose blobs are stored.
struct Completion {
  Lease lease;
  std::vector<StoredPicture> pictures;
  /// What is paid for; none: each picture once. Of a clip its seconds.
  std::optional<std::int64_t> pieces = {};

  std::int64_t delivered() const { return pieces.value_or(std::ssize(pictures)); }
};

/// What a worker can do.
struct Claim {
  std::string_view worker_id;
  std::span<const std::string> models;  // ids of those that it has loaded
  std::span<const JobKind> kinds;
  std::int64_t lease_ms = 0;
};

/// Keeps jobs and moves them, one method a transaction: what must be true together (a job and its
/// place in the queue, its end and its pictures, one day its money) goes in and comes out together.
/// How a job moves is jobs/transition.h; a store only writes it down.
///
/// Thread-safe; calls block on disk or network. A call that returned a value survives a crash of
/// the process, and all but `claim`, `prolong` also a loss of power (after one, what ran is rescued
/// anyway). Any call may fail with `unavailable` (store busy or away), `storage_full`, `data_loss`.
/// A payload that cannot be read fails its own job (`claim`) and hurts no other call.
class JobStore {
 public:
  virtual ~JobStore() = default;

  /// The job as it is then. Not a new one but the earlier one when the team has given its
  /// idempotency key before, `unprocessable`, field "idempotency_key", when that was another
  /// request; nor when it asks again (`attach_since_ms`), or shares (`share_key`): then one more
  /// wants that job (`give_up`).
  /// `resource_exhausted`, "the queue is full: N jobs are waiting", with `queue_limit` or more jobs
  /// in the queue, with `in_flight_max` or more of the key that have not ended, or as
  /// LedgerStore::reserve. The end of the job, whoever brings it about, resolves the reservation in
  /// the same commit.
  virtual Result<Job> insert(const NewJob& wanted) = 0;

  /// What `insert` would give for an idempotency key that the team has used before; none for a new
  /// one. For who must not refuse such a request for want of room or workers.
  virtual Result<std::optional<Job>> find_keyed(std::string_view team_id,
                                                std::string_view idempotency_key,
                                                std::string_view request_hash) = 0;

  /// Takes the oldest queued job that is not overdue and that this worker can make; one whose
  /// payload turns out to be unreadable fails here, and the next is taken. None: nothing to do.
  virtual Result<std::optional<ClaimedJob>> claim(const Claim& claim) = 0;

  /// Those of `leases` that hold no more: the job was cancelled, rescued or settled.
  virtual Result<std::vector<Lease>> lost(std::span<const Lease> leases) = 0;
  /// Leases that hold no more are passed over.
  virtual Result<void> prolong(std::span<const Lease> leases, std::int64_t lease_ms) = 0;

  /// running -> succeeded, with its pictures, for each of several jobs that are made durable
  /// together: whether each has succeeded, in their order. `aborted` where the lease holds no more;
  /// then nothing of that one is kept.
  virtual std::vector<Result<void>> complete_all(std::span<const Completion> completions) = 0;
  Result<void> complete(const Lease& lease, const std::vector<StoredPicture>& pictures) {
    const Completion one[] = {{.lease = lease, .pictures = pictures}};
    return std::move(complete_all(one).front());
  }
  /// running -> failed. `aborted` as above. `error.detail` is not kept.
  virtual Result<void> fail(const Lease& lease, const Error& error) = 0;
  /// running -> queued, as if it had not been claimed: the worker is told to stop and gives it
  /// back. `aborted` as above.
  virtual Result<void> release(const Lease& lease) = 0;

  /// queued or running -> cancelled; the job as it is then. A final job stays what it is and is
  /// returned. `not_found`.
  virtual Result<Job> cancel(std::string_view job_id) = 0;
  /// One of those who were given the job by `insert` wants it no more. When none is left, and it
  /// has no idempotency key, under which it will be asked for again: as `cancel`. The job as it is
  /// then. `not_found`.
  virtual Result<Job> give_up(std::string_view job_id, EndedBy by) = 0;
  /// Running jobs that lost their worker; those that moved, in their new state.
  virtual Result<std::vector<Job>> rescue(const Stranded& stranded) = 0;
  /// queued -> failed for those that are overdue; they, in their new state.
  virtual Result<std::vector<Job>> end_overdue() = 0;

  /// In one look.
  virtual Result<QueuePace> pace() = 0;

  /// `not_found`.
  virtual Result<Job> find(std::string_view job_id) = 0;
  /// What a job has asked for; `not_found`, and `data_loss` where nobody can read it. For who looks
  /// at what has become of it: whoever makes it has it by its claim.
  virtual Result<JobPayload> payload(std::string_view job_id) = 0;
  /// Those that there are, in any order, in one look.
  virtual Result<std::vector<Job>> find_all(std::span<const std::string> job_ids) = 0;
};

}  // namespace imagined::service
