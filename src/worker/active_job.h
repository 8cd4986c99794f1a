// A job in the worker's hands, from the claim until it is settled.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

#include "service/jobs/job.h"

namespace imagined::worker {

struct ActiveJob {
  const service::Job job;
  std::stop_source stop;          // cancelled, lost or failed: no more work on it
  std::int64_t heartbeat_ms = 0;  // last one, monotonic; only the ear looks at it
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
      if (active->job.id == job_id) active->stop.request_stop();
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
