#pragma once

#include "base/clock.h"
#include "service/ports/cache_store.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

/// In the database of the jobs: it outlives a restart; a loss of power may forget its last entries.
class SqliteCacheStore final : public service::CacheStore {
 public:
  /// The references must outlive the store.
  SqliteCacheStore(SqliteDatabase& database, const Clock& clock, std::int64_t entries_max)
      : database_(database), clock_(clock), entries_max_(entries_max) {}

  Result<std::optional<std::string>> find(std::string_view team_id, std::string_view key) override;
  Result<void> put(const service::CacheEntry& entry) override;
  Result<void> remove(std::string_view team_id, std::string_view key,
                      std::string_view job_id) override;
  Result<int> remove_expired(int count_max) override;

 private:
  SqliteDatabase& database_;
  const Clock& clock_;
  const std::int64_t entries_max_;
};

}  // namespace imagined::storage
