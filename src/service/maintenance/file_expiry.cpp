#include "service/maintenance/file_expiry.h"

#include "service/maintenance/batches.h"

namespace imagined::service {

Duty file_expiry(FileStore& files, const Clock& clock) {
  return {.name = "file_expiry",
          .interval = std::chrono::hours(1),
          .run_once = [&files, &clock](const std::stop_token& stop) {
            return in_batches(stop, [&](int count_max) {
              return files.remove_expired(clock.unix_ms(), count_max);
            });
          }};
}

}  // namespace imagined::service
