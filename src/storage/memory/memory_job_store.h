#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "service/ports/job_store.h"

namespace imagined::storage {

/// Jobs in memory, for tests: the same promises as the real stores but for durability.
class MemoryJobStore final : public service::JobStore {
 public:
  explicit MemoryJobStore(const Clock& clock) : clock_(clock) {}

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
  struct Row {
    service::Job job;
    std::int64_t lease_until_ms = 0;  // monotonic
  };
  Row* find_row(std::string_view job_id);
  Result<Row*> leased(std::string_view job_id, std::string_view lease_token);
  std::int64_t count_queued() const;

  const Clock& clock_;
  std::mutex mutex_;
  std::vector<Row> rows_;  // in order of arrival
  std::map<std::string, service::StoredPicture, std::less<>> pictures_;
};

}  // namespace imagined::storage
