#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "base/clock.h"
#include "service/ports/cache_store.h"

namespace imagined::storage {

/// In the memory of one process: a restart forgets it. Some 300 bytes an entry.
class ProcessCacheStore final : public service::CacheStore {
 public:
  /// The clock must outlive the store.
  ProcessCacheStore(const Clock& clock, std::size_t entries_max)
      : clock_(clock), entries_max_(entries_max) {}

  Result<std::optional<std::string>> find(std::string_view team_id, std::string_view key) override;
  Result<void> put(const service::CacheEntry& entry) override;
  Result<void> remove(std::string_view team_id, std::string_view key,
                      std::string_view job_id) override;
  Result<int> remove_expired(int count_max) override;

 private:
  using Name = std::pair<std::string, std::string>;  // team, key

  void forget(std::map<Name, service::CacheEntry>::iterator entry);

  const Clock& clock_;
  const std::size_t entries_max_;
  std::mutex mutex_;
  std::map<Name, service::CacheEntry> entries_;
  std::set<std::pair<std::int64_t, Name>> by_end_;
};

}  // namespace imagined::storage
