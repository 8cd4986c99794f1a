#pragma once

#include "base/clock.h"
#include "service/ports/job_store.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

/// Jobs in SQLite. Leases are kept on the monotonic clock, which the processes of one machine
/// share; a restart of the machine ends them all.
class SqliteJobStore final : public service::JobStore {
 public:
  /// The references must outlive the store.
  SqliteJobStore(SqliteDatabase& database, const Clock& clock)
      : database_(database), clock_(clock) {}

  Result<service::Job> insert(const service::NewJob& wanted) override;
  Result<std::optional<service::Job>> find_keyed(std::string_view team_id,
                                                 std::string_view idempotency_key,
                                                 std::string_view request_hash) override;
  Result<std::optional<service::ClaimedJob>> claim(const service::Claim& claim) override;
  Result<std::vector<service::Lease>> lost(std::span<const service::Lease> leases) override;
  Result<void> prolong(std::span<const service::Lease> leases, std::int64_t lease_ms) override;
  std::vector<Result<void>> complete_all(std::span<const service::Completion> completions) override;
  Result<void> fail(const service::Lease& lease, const Error& error) override;
  Result<void> release(const service::Lease& lease) override;
  Result<service::Job> cancel(std::string_view job_id) override;
  Result<service::Job> give_up(std::string_view job_id, service::EndedBy by) override;
  Result<std::vector<service::Job>> rescue(const service::Stranded& stranded) override;
  Result<std::vector<service::Job>> end_overdue() override;
  Result<service::QueuePace> pace() override;
  Result<service::Job> find(std::string_view job_id) override;
  Result<service::JobPayload> payload(std::string_view job_id) override;
  Result<std::vector<service::Job>> find_all(std::span<const std::string> job_ids) override;

 private:
  SqliteDatabase& database_;
  const Clock& clock_;
};

}  // namespace imagined::storage
