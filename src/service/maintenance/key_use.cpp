#include "service/maintenance/key_use.h"

namespace imagined::service {

Duty key_use(KeyService& keys) {
  return {.name = "key_use",
          .interval = std::chrono::seconds(5),
          .run_once = [&keys](const std::stop_token&) { return keys.record_uses(); }};
}

}  // namespace imagined::service
