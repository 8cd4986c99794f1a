#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "service/ports/limit_store.h"

namespace imagined::storage {

/// Limits in the memory of one process: what a single server needs. A restart forgets at most a
/// window. A bucket of 300 requests a minute is 5 KB while it is full.
class ProcessLimitStore final : public service::LimitStore {
 public:
  static constexpr std::size_t kBucketsMax = 100'000;

  /// The clock must outlive the store.
  explicit ProcessLimitStore(const Clock& clock, std::size_t buckets_max = kBucketsMax)
      : clock_(clock), buckets_max_(buckets_max) {}

  Result<service::Verdict> take(std::span<const service::Draw> draws) override;
  bool blocks() const override { return false; }

 private:
  struct Bucket {
    service::HitLog log;
    std::int64_t window_ms = 0;  // the longest that any rule has looked through
  };

  /// Drops the buckets that count nothing any more.
  void sweep(std::int64_t now_ms);

  const Clock& clock_;
  const std::size_t buckets_max_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  std::int64_t swept_ms_ = 0;
};

}  // namespace imagined::storage
