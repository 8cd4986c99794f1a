#include "service/maintenance/cache_expiry.h"

#include "service/maintenance/batches.h"

namespace imagined::service {

Duty cache_expiry(CacheStore& store) {
  return {.name = "cache_expiry",
          .interval = std::chrono::minutes(10),
          .run_once = [&store](const std::stop_token& stop) {
            return in_batches(stop, [&](int count_max) { return store.remove_expired(count_max); });
          }};
}

}  // namespace imagined::service
