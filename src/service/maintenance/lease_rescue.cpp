#include "service/maintenance/lease_rescue.h"

namespace imagined::service {

Duty lease_rescue(JobQueue& queue) {
  return {
      .name = "lease_rescue",
      .interval = std::chrono::seconds(5),
      .run_once = [&queue](const std::stop_token&) { return queue.rescue(Stranded::by_lease()); }};
}

}  // namespace imagined::service
