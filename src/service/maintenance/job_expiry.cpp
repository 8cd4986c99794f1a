#include "service/maintenance/job_expiry.h"

#include "service/maintenance/batches.h"

namespace imagined::service {

Duty job_expiry(JobExpiryParts parts) {
  return {.name = "job_expiry",
          .interval = std::chrono::minutes(1),
          .run_once = [parts](const std::stop_token& stop) -> Result<int> {
            const std::int64_t now_ms = parts.clock.unix_ms();
            int done = TRY(parts.queue.end_overdue());
            done += TRY(in_batches(stop, [&](int count_max) {
              return parts.archive.free_idempotency_keys(now_ms - kIdempotencyLifeMs, count_max);
            }));
            if (!parts.keep_ms) return done;
            done += TRY(in_batches(stop, [&](int count_max) {
              return parts.archive.remove_jobs(now_ms - *parts.keep_ms, count_max);
            }));
            return done;
          }};
}

}  // namespace imagined::service
