#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/listener.h"
#include "base/result.h"
#include "service/jobs/job.h"
#include "service/jobs/job_queue.h"
#include "service/ports/job_events.h"
#include "service/ports/job_store.h"

namespace imagined::service {

/// Tells whoever waits for a job when it has ended, and how it gets on. One for the process and for
/// every way of asking: a reply that is held back, a call of gRPC, a stream of events.
///
/// A thread of its own looks at all jobs that are waited for in one query a tick, and at once at
/// those whose bell rang. So bells may be lost, and waiters cost the database nothing.
class JobWatcher {
 public:
  struct Callbacks {
    /// Progress and previews, from the thread that reports them; may be empty.
    std::function<void(const JobEvent&)> on_progress;
    /// Once, from the watcher's thread: the job in its final state, or `not_found` when its row is
    /// gone.
    std::function<void(const Result<Job>&)> on_end;
  };
  // Callbacks must not block.

  class Waiter;

  /// The references must outlive the watcher, and the watcher its waiters.
  JobWatcher(JobStore& store, JobQueue& queue, JobEvents& events,
             std::chrono::milliseconds tick = std::chrono::seconds(1));
  ~JobWatcher();

  void start();
  /// Nobody is told anything any more when it returns. Twice is harmless, and before `start` too.
  void stop();

  /// Waits for a job that is there, on behalf of who may see it.
  [[nodiscard]] Waiter watch(std::string job_id, Callbacks callbacks);

  /// How far a job is, as far as it was told; none: nothing was.
  std::optional<JobEvent> progress_of(std::string_view job_id) const {
    return events_.progress_of(job_id);
  }

  /// For a waiter whose client has gone or has waited long enough: as JobStore::give_up, once. The
  /// job as it is then. Blocks on the store.
  Result<Job> give_up(Waiter& waiter, EndedBy by = EndedBy::client_gone);

 private:
  struct Entry;
  using Entries = std::multimap<std::string, std::shared_ptr<Entry>, std::less<>>;

  void run(const std::stop_token& stop);
  std::vector<std::string> wait_for_work(const std::stop_token& stop);
  void look_at(const std::vector<std::string>& job_ids);
  void tell(const std::string& job_id, const Result<Job>& job);
  void ring(const std::string& job_id);
  /// Nothing more for it; false when it was told already or has given up.
  bool forget(const Entry& entry);

  JobStore& store_;
  JobQueue& queue_;
  JobEvents& events_;
  const std::chrono::milliseconds tick_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  Entries waiting_;             // by job
  std::set<std::string> rung_;  // to be looked at now
  std::chrono::steady_clock::time_point next_tick_;
  std::jthread thread_;
};

/// Its callbacks may run as long as it lives; after its destructor they neither run nor will run.
/// Its end alone changes nothing about the job.
class JobWatcher::Waiter {
 public:
  ~Waiter();
  Waiter(Waiter&&) = default;
  Waiter& operator=(Waiter&&) = delete;

 private:
  friend class JobWatcher;
  Waiter(JobWatcher& watcher, std::shared_ptr<Entry> entry)
      : watcher_(watcher), entry_(std::move(entry)) {}

  JobWatcher& watcher_;
  std::shared_ptr<Entry> entry_;  // null: moved from
};

}  // namespace imagined::service
