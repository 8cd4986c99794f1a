#include "service/maintenance/temporary_files.h"

#include <cstdint>

namespace imagined::service {
namespace {

// No file takes so long to write: whoever began it is dead.
constexpr std::int64_t kUnfinishedAgeMs = 3'600'000;

}  // namespace

Duty temporary_files(BlobStore& blobs, const Clock& clock) {
  return {.name = "temporary_files",
          .interval = std::chrono::hours(1),
          .run_once = [&blobs, &clock](const std::stop_token&) {
            return blobs.remove_leftovers(clock.unix_ms() - kUnfinishedAgeMs);
          }};
}

}  // namespace imagined::service
