#pragma once

#include <span>

#include "base/result.h"
#include "service/limits/limit.h"

namespace imagined::service {

/// Counts draws out of buckets in exact sliding windows. Thread-safe; calls may block.
/// Buckets that count nothing are forgotten by themselves. The clock is monotonic: steps of the
/// wall clock change nothing.
class LimitStore {
 public:
  virtual ~LimitStore() = default;

  /// Draws all or nothing, as `decide` (service/limits/limit.h) says. The buckets differ from each
  /// other. `resource_exhausted` when more buckets are in use than the store keeps; other errors
  /// are the store's own, and then nothing was drawn.
  virtual Result<Verdict> take(std::span<const Draw> draws) = 0;
  /// Whether a call may wait for a disk or another process.
  virtual bool blocks() const { return true; }
};

}  // namespace imagined::service
