#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "service/jobs/job.h"

namespace imagined::service {

/// Which running jobs have lost their worker.
struct Stranded {
  enum class Why : std::uint8_t { worker_died, lease_expired, server_started };
  Why why = Why::lease_expired;
  std::string worker_id;  // of the worker that died

  static Stranded of_worker(std::string id) { return {Why::worker_died, std::move(id)}; }
  static Stranded by_lease() { return {Why::lease_expired, {}}; }
  /// All of them: nobody can be working before the server has started its workers.
  static Stranded all() { return {Why::server_started, {}}; }
};

/// Keeps jobs and the rows of their pictures. Thread-safe; calls block on disk or network.
/// A call that returned a value survives a crash of the process, and all but `claim`, `heartbeat`
/// also a loss of power (after one, every running job is queued again anyway).
/// Any call may fail with `unavailable` (store busy or away), `storage_full`, `data_loss`.
class JobStore {
 public:
  virtual ~JobStore() = default;

  /// Adds a queued job unless `limit` or more jobs are queued: then `resource_exhausted`,
  /// "the queue is full: N jobs are waiting".
  virtual Result<void> insert_if_queue_below(const Job& job, std::int64_t limit) = 0;

  /// Takes the oldest job that is queued, or running with an expired lease and attempts left;
  /// raises `attempt`, sets a new lease token. None: nothing to do.
  virtual Result<std::optional<Job>> claim(std::string_view worker_id, std::int64_t lease_ms) = 0;

  /// Prolongs a lease. `aborted` when the job is not running under this token any more.
  virtual Result<void> heartbeat(std::string_view job_id, std::string_view lease_token,
                                 std::int64_t lease_ms) = 0;

  /// running -> succeeded, with its pictures, in one step. `aborted` as in `heartbeat`; then
  /// nothing is kept. The blobs must be stored before.
  virtual Result<void> complete(std::string_view job_id, std::string_view lease_token,
                                const std::vector<StoredPicture>& pictures) = 0;

  /// running -> failed. `aborted` as in `heartbeat`. `error.detail` is not kept.
  virtual Result<void> fail(std::string_view job_id, std::string_view lease_token,
                            const Error& error) = 0;

  /// running -> queued, as if it had not been claimed: the worker is told to stop and gives it
  /// back. `aborted` as in `heartbeat`.
  virtual Result<void> release(std::string_view job_id, std::string_view lease_token) = 0;

  /// Stranded jobs go back to queued, or to failed when they have had `attempts_max`. Returns the
  /// jobs that moved, in their new state.
  virtual Result<std::vector<Job>> requeue_or_fail(const Stranded& stranded, int attempts_max) = 0;

  /// queued or running -> cancelled; the job as it is then. A final job stays what it is and is
  /// returned. `not_found`.
  virtual Result<Job> cancel(std::string_view job_id) = 0;

  /// `not_found`.
  virtual Result<Job> find(std::string_view job_id) = 0;
  /// In order of `index`; empty until the job has succeeded.
  virtual Result<std::vector<StoredPicture>> pictures(std::string_view job_id) = 0;
  /// `not_found`.
  virtual Result<StoredPicture> find_picture(std::string_view picture_id) = 0;
  virtual Result<std::int64_t> queued_count() = 0;
};

}  // namespace imagined::service
