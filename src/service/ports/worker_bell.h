#pragma once

#include <string_view>

namespace imagined::service {

/// Wakes the workers. Only a doorbell: a lost ring costs a second, never a job. Thread-safe, does
/// not block.
class WorkerBell {
 public:
  virtual ~WorkerBell() = default;
  /// There is a job in the queue.
  virtual void job_queued() = 0;
  /// This job was cancelled: whoever works on it may stop.
  virtual void job_cancelled(std::string_view job_id) = 0;
};

}  // namespace imagined::service
