#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "service/jobs/job_queue.h"
#include "service/maintenance/duty.h"
#include "service/ports/archive.h"

namespace imagined::service {

/// An idempotency key means the same request for so long.
inline constexpr std::int64_t kIdempotencyLifeMs = 24 * 3'600'000;

/// Ends jobs that nobody has begun in time; frees old idempotency keys; removes jobs, and with them
/// their prompts, `keep_ms` after they have ended and once their pictures are gone. `keep_ms` of
/// none: they are kept for ever.
struct JobExpiryParts {
  JobQueue& queue;
  Archive& archive;
  const Clock& clock;
  std::optional<std::int64_t> keep_ms;
};
Duty job_expiry(JobExpiryParts parts);

}  // namespace imagined::service
