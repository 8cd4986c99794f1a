#include "storage/process/process_cache_store.h"

namespace imagined::storage {

using service::CacheEntry;

Result<std::optional<std::string>> ProcessCacheStore::find(std::string_view team_id,
                                                           std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find({std::string(team_id), std::string(key)});
  if (entry == entries_.end() || entry->second.expires_ms <= clock_.unix_ms())
    return std::optional<std::string>();
  return std::optional(entry->second.job_id);
}

Result<void> ProcessCacheStore::put(const CacheEntry& entry) {
  const std::lock_guard lock(mutex_);
  const Name name(entry.team_id, entry.key);
  if (const auto old = entries_.find(name); old != entries_.end()) forget(old);
  entries_.emplace(name, entry);
  by_end_.emplace(entry.expires_ms, name);
  while (entries_.size() > entries_max_) forget(entries_.find(by_end_.begin()->second));
  return {};
}

Result<void> ProcessCacheStore::remove(std::string_view team_id, std::string_view key,
                                       std::string_view job_id) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find({std::string(team_id), std::string(key)});
  if (entry != entries_.end() && entry->second.job_id == job_id) forget(entry);
  return {};
}

Result<int> ProcessCacheStore::remove_expired(int count_max) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now_ms = clock_.unix_ms();
  int removed = 0;
  while (removed < count_max && !by_end_.empty() && by_end_.begin()->first <= now_ms) {
    forget(entries_.find(by_end_.begin()->second));
    ++removed;
  }
  return removed;
}

void ProcessCacheStore::forget(std::map<Name, CacheEntry>::iterator entry) {
  by_end_.erase({entry->second.expires_ms, entry->first});
  entries_.erase(entry);
}

}  // namespace imagined::storage
