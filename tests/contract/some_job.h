#pragma once

#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/ids.h"
#include "service/ports/job_store.h"

namespace imagined {

/// A job that every store takes and `claim_from` gets.
inline service::NewJob some_job(const Clock& clock) {
  return {.job = {.id = make_uuid(clock),
                  .owner = {.key_id = "key"},
                  .sold = {.model = "fast", .bill = {.per_picture_usd_ticks = 7}, .steps = 4},
                  .created_ms = clock.unix_ms()},
          .payload = service::PictureRequest{.model = "fast",
                                             .prompt = service::Prompt::trusted("a red kite")},
          .queue_limit = 1'000'000,
          .request_hash = {}};
}

inline Result<std::optional<service::ClaimedJob>> try_claim_from(service::JobStore& store,
                                                                 std::string_view worker = "w") {
  const std::vector<std::string> models = {"fast"};
  constexpr service::JobKind kKinds[] = {service::JobKind::pictures};
  return store.claim({.worker_id = worker, .models = models, .kinds = kKinds, .lease_ms = 60'000});
}

inline service::ClaimedJob claim_from(service::JobStore& store, std::string_view worker = "w") {
  auto job = try_claim_from(store, worker);
  CHECK(job && *job, "nothing to claim");
  return std::move(**job);
}

}  // namespace imagined
