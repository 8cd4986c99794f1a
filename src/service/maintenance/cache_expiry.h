#pragma once

#include "service/maintenance/duty.h"
#include "service/ports/cache_store.h"

namespace imagined::service {

/// Removes what the cache may not answer with any more.
Duty cache_expiry(CacheStore& store);

}  // namespace imagined::service
