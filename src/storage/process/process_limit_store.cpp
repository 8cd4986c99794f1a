#include "storage/process/process_limit_store.h"

#include <algorithm>
#include <vector>

namespace imagined::storage {

using service::Draw;
using service::HitLog;
using service::Verdict;

namespace {

constexpr std::int64_t kSweepIntervalMs = 10'000;
constexpr std::int64_t kFullSweepIntervalMs = 100;  // a sweep looks at every bucket

}  // namespace

Result<Verdict> ProcessLimitStore::take(std::span<const Draw> draws) {
  static const HitLog kNothing;
  const std::lock_guard lock(mutex_);
  const std::int64_t now_ms = clock_.monotonic_ms();
  if (now_ms - swept_ms_ >= kSweepIntervalMs) sweep(now_ms);

  std::vector<const HitLog*> logs;
  std::size_t new_buckets = 0;
  for (const Draw& draw : draws) {
    const auto found = buckets_.find(draw.bucket);
    if (found == buckets_.end() && draw.units > 0) ++new_buckets;
    logs.push_back(found == buckets_.end() ? &kNothing : &found->second.log);
  }
  Verdict verdict = service::decide(draws, logs, now_ms);
  if (!verdict.admitted) return verdict;
  if (buckets_.size() + new_buckets > buckets_max_) {
    if (now_ms - swept_ms_ >= kFullSweepIntervalMs) sweep(now_ms);
    if (buckets_.size() + new_buckets > buckets_max_)
      return fail(ErrorCode::resource_exhausted, "too many clients at once", {},
                  "the limits of this process have no bucket left");
  }
  for (const Draw& draw : draws) {
    if (draw.units == 0) continue;
    Bucket& bucket = buckets_[draw.bucket];
    bucket.window_ms = std::max(bucket.window_ms, service::longest_window_ms(draw));
    bucket.log.forget(bucket.window_ms, now_ms);
    bucket.log.add(now_ms, draw.units);
  }
  return verdict;
}

void ProcessLimitStore::sweep(std::int64_t now_ms) {
  swept_ms_ = now_ms;
  std::erase_if(buckets_, [now_ms](const auto& entry) {
    return entry.second.log.full_ms(entry.second.window_ms, now_ms) == 0;
  });
}

}  // namespace imagined::storage
