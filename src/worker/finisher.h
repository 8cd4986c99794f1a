#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"
#include "service/ports/blob_store.h"
#include "service/ports/job_store.h"
#include "worker/active_job.h"
#include "worker/doorbell.h"

namespace imagined::worker {

/// Encodes, stores and settles on a thread of its own while the engine makes the next picture. What
/// is handed in for one job is dealt with in that order.
class Finisher {
 public:
  struct Parts {
    service::JobStore& jobs;
    service::BlobStore& blobs;
    DoorbellEnd& doorbell;
    const Clock& clock;
    ActiveJobs& active;
    int jpeg_quality;
  };
  explicit Finisher(Parts parts);
  /// Deals with everything that was handed in, then ends.
  ~Finisher();

  struct Made {
    int index = 0;
    std::uint64_t seed = 0;
    engine::Picture picture;
  };
  /// Waits while four pictures are waiting already. The last picture of a job completes it.
  void store(std::shared_ptr<ActiveJob> job, Made made);
  void fail(std::shared_ptr<ActiveJob> job, Error error);
  /// The job goes back to the queue as if it had not been claimed.
  void release(std::shared_ptr<ActiveJob> job);
  /// The job is nobody's business any more: it was cancelled, or its lease was lost.
  void drop(std::shared_ptr<ActiveJob> job);

 private:
  struct Task {
    enum class Kind : std::uint8_t { store, fail, release, drop };
    Kind kind = Kind::drop;
    std::shared_ptr<ActiveJob> job;
    Made made;    // store
    Error error;  // fail
  };

  void push(Task task);
  std::optional<Task> pop();
  void loop();
  void handle(Task& task);
  Result<service::StoredPicture> store_file(const ActiveJob& active, const Made& made);
  void store_picture(const std::shared_ptr<ActiveJob>& active, const Made& made);
  void settle_failed(const std::shared_ptr<ActiveJob>& active, const Error& error);
  void forget(const std::shared_ptr<ActiveJob>& active);

  Parts parts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool ending_ = false;
  std::map<const ActiveJob*, std::vector<service::StoredPicture>> stored_;  // the thread's own
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace imagined::worker
