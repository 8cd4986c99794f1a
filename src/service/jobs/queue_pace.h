#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace imagined::service {

/// How the queue gets on, measured by its rows.
struct QueuePace {
  static constexpr int kJobsMeasured = 16;  // those that were made last

  std::int64_t queued = 0;
  std::int64_t running = 0;
  std::int64_t run_ms = 0;      // mean of the jobs that were made last; 0: none was
  std::int64_t per_minute = 0;  // jobs that were made while any of them was; 0: not known

  /// Until the next job is begun, which makes room in the queue; 0: not known.
  std::int64_t next_begin_ms() const { return run_ms / std::max<std::int64_t>(running, 1); }
  /// Until all are begun that wait now; 0: not known, or none waits.
  std::int64_t all_begun_ms() const { return queued * next_begin_ms(); }

  /// A job that was made, from its last claim to its end.
  struct Made {
    std::int64_t started_ms = 0;
    std::int64_t finished_ms = 0;
  };
  void measure(std::vector<Made> made);
};

/// Pauses do not count, and what several workers make at once counts as such.
inline void QueuePace::measure(std::vector<Made> made) {
  if (made.empty()) return;
  std::ranges::sort(made, {}, &Made::started_ms);
  std::int64_t run_sum_ms = 0;
  std::int64_t busy_ms = 0;
  std::int64_t until_ms = 0;
  for (const Made& job : made) {
    run_sum_ms += job.finished_ms - job.started_ms;
    busy_ms += std::max<std::int64_t>(0, job.finished_ms - std::max(job.started_ms, until_ms));
    until_ms = std::max(until_ms, job.finished_ms);
  }
  const auto count = static_cast<std::int64_t>(made.size());
  run_ms = run_sum_ms / count;
  per_minute = 60'000 * count / std::max<std::int64_t>(busy_ms, 1);
}

}  // namespace imagined::service
