#include "service/maintenance/blob_sweep.h"

#include <algorithm>
#include <string>
#include <vector>

#include "service/maintenance/batches.h"

namespace imagined::service {
namespace {

Result<int> sweep(Archive& archive, BlobStore& blobs, const Clock& clock,
                  const std::stop_token& stop) {
  // Asked before the blobs are listed: a job that is claimed after it puts its blobs after it too.
  const std::int64_t before_ms =
      std::min(clock.unix_ms() - kOrphanAgeMs, TRY(archive.running_since_ms()));
  int removed = 0;
  for (std::string after; !stop.stop_requested();) {
    const std::vector<BlobEntry> entries = TRY(blobs.list(after, kBatch));
    if (entries.empty()) break;
    after = entries.back().hash;
    std::vector<std::string> old;
    for (const BlobEntry& entry : entries)
      if (entry.put_ms < before_ms) old.push_back(entry.hash);
    for (const std::string& orphan : TRY(archive.orphans(old)))
      removed += TRY(blobs.remove(orphan, before_ms)) ? 1 : 0;
  }
  return removed;
}

}  // namespace

Duty blob_sweep(Archive& archive, BlobStore& blobs, const Clock& clock) {
  return {.name = "blob_sweep",
          .interval = std::chrono::hours(1),
          .run_once = [&archive, &blobs, &clock](const std::stop_token& stop) {
            return sweep(archive, blobs, clock, stop);
          }};
}

}  // namespace imagined::service
