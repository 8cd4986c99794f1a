#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"
#include "service/ports/blob_store.h"
#include "service/ports/job_store.h"
#include "worker/active_job.h"
#include "worker/making.h"
#include "worker/wire.h"

namespace imagined::worker {

/// What the engine's thread says of a job at last, once for each.
struct Ending {
  enum class Kind : std::uint8_t {
    done,     // every picture was handed in
    failed,   // with `error`
    release,  // the worker stops: back to the queue as if it had not been claimed
    drop,     // nobody's business any more: it was cancelled, or its lease was lost
  };
  Kind kind = Kind::done;
  Error error;
};

/// Encodes, stores and settles on a thread of its own while the engine makes the next picture. What
/// is handed in for one job is dealt with in that order. A job stays in `active` until its ending
/// was dealt with, whatever happens in between.
class Finisher {
 public:
  struct Parts {
    service::JobStore& jobs;
    service::BlobStore& blobs;
    Wire& wire;
    const Clock& clock;
    ActiveJobs& active;
    int jpeg_quality;
  };
  explicit Finisher(Parts parts);
  /// Deals with everything that was handed in, then ends.
  ~Finisher();

  /// Waits while four tasks are waiting already.
  void store(std::shared_ptr<ActiveJob> job, Made made);
  /// Does not wait: a preview that would come late is dropped.
  void show(std::shared_ptr<ActiveJob> job, Preview preview);
  void end(std::shared_ptr<ActiveJob> job, Ending ending);

 private:
  struct Task {
    std::shared_ptr<ActiveJob> job;
    std::variant<Made, Preview, Ending> what;
  };
  /// What has become of a job so far.
  struct Progress {
    std::vector<service::StoredPicture> pictures;
    bool settled = false;  // its row is final, or somebody else's
  };

  void push(Task task);
  std::optional<Task> pop();
  void loop();
  void handle(ActiveJob& active, const Made& made);
  void handle(ActiveJob& active, const Preview& preview);
  void handle(ActiveJob& active, const Ending& ending);
  Result<service::StoredPicture> store_file(const ActiveJob& active, const Made& made);
  void complete(ActiveJob& active);
  void fail(ActiveJob& active, const Error& error);

  Parts parts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool ending_ = false;
  std::map<const ActiveJob*, Progress> progress_;  // the thread's own
  std::jthread thread_;                            // last: it uses all of the above
};

}  // namespace imagined::worker
