// Never the same work twice: what a team has had made is given to it again, when it asks so
// (docs/operations.md, Cache).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "service/accounts/caller.h"
#include "service/billing/price.h"
#include "service/jobs/job_queue.h"
#include "service/ports/archive.h"
#include "service/ports/cache_store.h"

namespace imagined::service {

/// How a request wants the cache.
enum class CacheWish : std::uint8_t { as_the_key, use, bypass };
/// What the cache had to do with an answer; spelled so in `x-cache`.
enum class CacheUse : std::uint8_t { bypass, miss, hit };
std::string_view to_string(CacheUse use);

struct CacheOptions {
  std::int64_t life_ms = 0;    // after the pictures were made; never longer than they are kept
  bool at_full_price = false;  // what a hit costs; else nothing
};

/// The rows of jobs and pictures stay the truth: the store only says where to look, and a picture
/// that is gone is no hit. What goes wrong with the store is logged and costs a miss. Any thread
/// may call it; calls block.
class PictureCache {
 public:
  /// The references must outlive it.
  PictureCache(CacheStore& store, JobQueue& queue, Archive& archive, CacheOptions options)
      : store_(store), queue_(queue), archive_(archive), options_(options) {}

  struct Found {
    Job job;
    std::vector<StoredPicture> pictures;
  };
  /// The job that has made all `count` pictures for the caller's team, while they are there.
  std::optional<Found> find(const Caller& caller, std::string_view key, int count);
  void put(std::string_view key, const Job& job);
  /// What a hit costs of what the work would.
  Bill bill_of_hit(const Bill& bill) const { return options_.at_full_price ? bill : Bill{}; }

 private:
  Result<std::optional<Found>> look_up(const Caller& caller, std::string_view key, int count);

  CacheStore& store_;
  JobQueue& queue_;
  Archive& archive_;
  const CacheOptions options_;
};

}  // namespace imagined::service
