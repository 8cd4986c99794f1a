#include "service/maintenance/session_expiry.h"

#include "service/accounts/sessions.h"
#include "service/maintenance/batches.h"

namespace imagined::service {

Duty session_expiry(SessionStore& sessions, const Clock& clock) {
  return {.name = "session_expiry",
          .interval = std::chrono::minutes(10),
          .run_once = [&sessions, &clock](const std::stop_token& stop) {
            return in_batches(stop, [&](int count_max) {
              const std::int64_t now_ms = clock.unix_ms();
              return sessions.remove_over({.created_before_ms = now_ms - kSessionLifeMs,
                                           .used_before_ms = now_ms - kSessionIdleMs},
                                          count_max);
            });
          }};
}

}  // namespace imagined::service
