// A job in the worker's hands, from the claim until it is settled.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

#include "service/pictures/picture.h"
#include "service/ports/job_store.h"

namespace imagined::worker {

/// How long nothing may move in a job.
struct Patience {
  std::int64_t ms = 600'000;
  /// One step of the largest models takes half an hour on a small machine.
  std::int64_t first_ms = 3'600'000;
};

/// Whether the work on a job gets on. Told by whoever works, asked by the ear.
class Movement {
 public:
  explicit Movement(std::int64_t now_ms) : last_ms_(now_ms) {}

  /// A step was done, a picture stored.
  void moved(std::int64_t now_ms) {
    const std::int64_t took_ms = now_ms - last_ms_.exchange(now_ms);
    if (took_ms > slowest_ms_) slowest_ms_ = took_ms;
  }

  /// Nothing has moved for `patience.ms`, nor for eight times the slowest move so far; before the
  /// first move, which nothing tells the time of, for `patience.first_ms`.
  bool is_stuck(std::int64_t now_ms, const Patience& patience) const {
    const std::int64_t slowest_ms = slowest_ms_;
    const std::int64_t limit_ms =
        slowest_ms == 0 ? patience.first_ms : std::max(patience.ms, kSlowestFactor * slowest_ms);
    return now_ms - last_ms_ > limit_ms;
  }

 private:
  static constexpr std::int64_t kSlowestFactor = 8;

  std::atomic<std::int64_t> last_ms_;
  std::atomic<std::int64_t> slowest_ms_ = 0;
};

struct ActiveJob {
  ActiveJob(service::ClaimedJob job, std::int64_t now_ms);

  const service::ClaimedJob claimed;
  std::stop_source stop;  // cancelled, lost or failed: no more work on it
  Movement movement;
  service::Reading reading;  // written before the first picture is handed to the finisher
  // Only the ear looks at these.
  std::int64_t prolonged_ms;  // the lease, last
  bool reported_stuck = false;

  const service::Job& job() const { return claimed.job; }
};

/// The jobs in hand: the one in the engine and those that are still being stored. Thread-safe.
class ActiveJobs {
 public:
  void add(std::shared_ptr<ActiveJob> job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }

  void remove(const std::shared_ptr<ActiveJob>& job) {
    const std::lock_guard lock(mutex_);
    std::erase(jobs_, job);
  }

  void stop(std::string_view job_id) {
    for (const auto& active : all())
      if (active->job().id == job_id) active->stop.request_stop();
  }

  std::vector<std::shared_ptr<ActiveJob>> all() const {
    const std::lock_guard lock(mutex_);
    return jobs_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<ActiveJob>> jobs_;
};

}  // namespace imagined::worker
