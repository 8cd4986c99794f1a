#pragma once

#include <algorithm>
#include <cstdint>

namespace imagined::service {

/// How the queue gets on, measured by its rows.
struct QueuePace {
  static constexpr int kJobsMeasured = 16;  // those that were made last

  std::int64_t queued = 0;
  std::int64_t running = 0;
  std::int64_t run_ms = 0;  // mean of the jobs that were made last; 0: none was

  /// Until the next job is begun, which makes room in the queue; 0: not known.
  std::int64_t next_begin_ms() const { return run_ms / std::max<std::int64_t>(running, 1); }
  /// Until all are begun that wait now; 0: not known, or none waits.
  std::int64_t all_begun_ms() const { return queued * next_begin_ms(); }
};

}  // namespace imagined::service
