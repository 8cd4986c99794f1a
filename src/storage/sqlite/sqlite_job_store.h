#pragma once

#include "base/clock.h"
#include "service/ports/job_store.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

/// Jobs in SQLite. Leases are kept on the monotonic clock, which the processes of one machine
/// share; a restart of the machine queues everything that ran.
class SqliteJobStore final : public service::JobStore {
 public:
  /// The references must outlive the store.
  SqliteJobStore(SqliteDatabase& database, const Clock& clock)
      : database_(database), clock_(clock) {}

  Result<void> insert_if_queue_below(const service::Job& job, std::int64_t limit) override;
  Result<std::optional<service::Job>> claim(std::string_view worker_id,
                                            std::int64_t lease_ms) override;
  Result<void> heartbeat(std::string_view job_id, std::string_view lease_token,
                         std::int64_t lease_ms) override;
  Result<void> complete(std::string_view job_id, std::string_view lease_token,
                        const std::vector<service::StoredPicture>& pictures) override;
  Result<void> fail(std::string_view job_id, std::string_view lease_token,
                    const Error& error) override;
  Result<void> release(std::string_view job_id, std::string_view lease_token) override;
  Result<std::vector<service::Job>> requeue_or_fail(const service::Stranded& stranded,
                                                    int attempts_max) override;
  Result<service::Job> cancel(std::string_view job_id) override;
  Result<service::Job> find(std::string_view job_id) override;
  Result<std::vector<service::StoredPicture>> pictures(std::string_view job_id) override;
  Result<service::StoredPicture> find_picture(std::string_view picture_id) override;
  Result<std::int64_t> queued_count() override;

 private:
  SqliteDatabase& database_;
  const Clock& clock_;
};

}  // namespace imagined::storage
