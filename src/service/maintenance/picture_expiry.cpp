#include "service/maintenance/picture_expiry.h"

#include "service/maintenance/batches.h"

namespace imagined::service {

Duty picture_expiry(Archive& archive, const Clock& clock, std::int64_t keep_ms) {
  return {.name = "picture_expiry",
          .interval = std::chrono::hours(1),
          .run_once = [&archive, &clock, keep_ms](const std::stop_token& stop) {
            const std::int64_t before_ms = clock.unix_ms() - keep_ms;
            return in_batches(
                stop, [&](int count_max) { return archive.remove_pictures(before_ms, count_max); });
          }};
}

}  // namespace imagined::service
