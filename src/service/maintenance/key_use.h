#pragma once

#include "service/accounts/key_service.h"
#include "service/maintenance/duty.h"

namespace imagined::service {

/// Writes down when API keys were used last, so that no request waits for it.
Duty key_use(KeyService& keys);

}  // namespace imagined::service
