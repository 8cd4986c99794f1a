#pragma once

#include <stop_token>

#include "base/result.h"

namespace imagined::service {

/// So many rows are changed in one transaction: others wait for it no longer than for a job.
inline constexpr int kBatch = 500;

/// Calls `change_some(kBatch)`, which says how many it has changed, until there is nothing more to
/// do or it is stopped; how many in all.
template <class ChangeSome>
Result<int> in_batches(const std::stop_token& stop, ChangeSome change_some) {
  int all = 0;
  while (!stop.stop_requested()) {
    const int some = TRY(change_some(kBatch));
    all += some;
    if (some < kBatch) break;
  }
  return all;
}

}  // namespace imagined::service
