#pragma once

#include "base/clock.h"
#include "service/maintenance/duty.h"
#include "service/ports/blob_store.h"

namespace imagined::service {

/// Removes what processes that were killed while they stored something have left.
Duty temporary_files(BlobStore& blobs, const Clock& clock);

}  // namespace imagined::service
