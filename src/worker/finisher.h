#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"
#include "service/moderation/moderator.h"
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
/// is handed in for one job is dealt with in that order. What small pictures have come meanwhile is
/// stored and settled together, for each wait for the disk is longer than they take. A job stays in
/// `active` until its ending was dealt with, whatever happens in between.
class Finisher {
 public:
  struct Parts {
    service::JobStore& jobs;
    service::BlobStore& blobs;
    Wire& wire;
    const Clock& clock;
    ActiveJobs& active;
    int jpeg_quality;
    service::Moderator* moderator = nullptr;  // of what was made; none: nothing is judged
    std::chrono::milliseconds retry_pause;    // before what could not be settled is tried again
  };
  explicit Finisher(Parts parts);
  /// Deals with everything that was handed in, and once more with what could not be settled, then
  /// ends.
  ~Finisher();

  /// Waits while so much waits already that memory would grow: 256 tasks, or 48 MB of pixels.
  void store(std::shared_ptr<ActiveJob> job, Made made);
  void store(std::shared_ptr<ActiveJob> job, MadeClip clip);
  /// Does not wait: a preview that would come late is dropped.
  void show(std::shared_ptr<ActiveJob> job, Preview preview);
  void end(std::shared_ptr<ActiveJob> job, Ending ending);

 private:
  using JobInHand = std::shared_ptr<ActiveJob>;
  using JobEnding = std::pair<JobInHand, Ending>;
  struct Task {
    JobInHand job;
    std::variant<Made, MadeClip, Preview, Ending> what;
  };
  /// A file that is encoded and not stored yet.
  struct Encoded {
    JobInHand job;
    service::StoredPicture row;  // without the blob's name
    std::vector<std::uint8_t> bytes;
    std::optional<std::int64_t> pieces = {};  // as Completion's
  };
  /// What is stored and settled together.
  struct Batch {
    std::vector<Encoded> pictures;
    std::vector<JobEnding> endings;
  };
  /// What has become of a job so far.
  struct Progress {
    std::vector<service::StoredPicture> pictures;
    std::optional<std::int64_t> pieces = {};
    bool settled = false;  // its row is final, or somebody else's
  };
  /// A job whose failure the store has not taken yet.
  struct Unsettled {
    JobInHand job;
    Error error;
  };

  static std::size_t bytes_of(const Task& task);
  void push(Task task);
  std::optional<Task> pop();
  bool wait_for_work();
  void loop();
  template <class Work>
  void guard(std::span<const JobInHand> jobs, Work work);
  void absorb(Task& task, Batch& batch);
  void show(const ActiveJob& active, const Preview& preview);
  Result<Encoded> encode(const JobInHand& job, const Made& made) const;
  Result<Encoded> take(const JobInHand& job, MadeClip clip) const;
  Result<void> judge(const service::Job& job, std::span<const std::uint8_t> file,
                     image::Format format) const;
  service::StoredPicture row_of(const ActiveJob& active, service::FileFormat format,
                                std::size_t size_bytes) const;
  void store(std::vector<Encoded>& pictures);
  void settle(std::span<const JobEnding> endings);
  void release(const ActiveJob& active);
  void complete(std::span<const JobInHand> jobs);
  void fail(const JobInHand& job, const Error& error);
  bool settle_failed(const ActiveJob& active, const Error& error);
  void settle_again();

  Parts parts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::size_t waiting_bytes_ = 0;  // of pixels, in the tasks
  bool ending_ = false;
  std::map<const ActiveJob*, Progress> progress_;  // the thread's own, as the two below
  std::vector<Unsettled> unsettled_;
  std::chrono::steady_clock::time_point settle_again_at_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace imagined::worker
