#pragma once

#include "base/clock.h"
#include "service/maintenance/duty.h"
#include "service/ports/archive.h"
#include "service/ports/blob_store.h"

namespace imagined::service {

/// A blob that no row names is left alone for so long: its row may be about to be written.
inline constexpr std::int64_t kOrphanAgeMs = 3'600'000;

/// Removes blobs that no row names: of jobs that were cancelled or failed, and of pictures that
/// have expired. Nothing that a running job may be about to name: a blob stays that was put since
/// the job that has run longest was claimed, and one that is put anew meanwhile.
Duty blob_sweep(Archive& archive, BlobStore& blobs, const Clock& clock);

}  // namespace imagined::service
