#pragma once

#include <cstdint>

#include "base/clock.h"
#include "service/maintenance/duty.h"
#include "service/ports/archive.h"

namespace imagined::service {

/// Removes pictures that are older than `keep_ms`. Their bytes go with the next blob sweep.
Duty picture_expiry(Archive& archive, const Clock& clock, std::int64_t keep_ms);

}  // namespace imagined::service
