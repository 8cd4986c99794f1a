#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::service {

/// Which job of a team has made what a request asks for.
struct CacheEntry {
  std::string team_id;
  std::string key;  // service/cache/cache_key.h
  std::string job_id;
  std::int64_t expires_ms = 0;  // unix milliseconds
};

/// Remembers finished work, up to a number of entries. It may forget any of them: what it says is
/// only where to look. Thread-safe; calls may block; any may fail with the store's own errors, and
/// then the work is done anew.
class CacheStore {
 public:
  virtual ~CacheStore() = default;

  /// The job of an entry that has not expired.
  virtual Result<std::optional<std::string>> find(std::string_view team_id,
                                                  std::string_view key) = 0;
  /// In place of what the team had under this key. When there are too many entries, those go that
  /// would expire first.
  virtual Result<void> put(const CacheEntry& entry) = 0;
  /// Unless the entry names another job by now.
  virtual Result<void> remove(std::string_view team_id, std::string_view key,
                              std::string_view job_id) = 0;
  /// Up to `count_max` that have expired; how many.
  virtual Result<int> remove_expired(int count_max) = 0;
};

}  // namespace imagined::service
