#pragma once

#include "base/clock.h"
#include "service/ports/limit_store.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

/// Limits in SQLite: they hold across the processes of one machine and across restarts. After a
/// restart of the machine, whose monotonic clock begins anew, nothing is counted.
class SqliteLimitStore final : public service::LimitStore {
 public:
  /// The references must outlive the store.
  SqliteLimitStore(SqliteDatabase& database, const Clock& clock)
      : database_(database), clock_(clock) {}

  Result<service::Verdict> take(std::span<const service::Draw> draws) override;

 private:
  SqliteDatabase& database_;
  const Clock& clock_;
};

}  // namespace imagined::storage
