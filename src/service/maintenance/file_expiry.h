#pragma once

#include "base/clock.h"
#include "service/maintenance/duty.h"
#include "service/ports/file_store.h"

namespace imagined::service {

/// Removes the files of customers whose time is over. Their bytes go with the next blob sweep.
Duty file_expiry(FileStore& files, const Clock& clock);

}  // namespace imagined::service
