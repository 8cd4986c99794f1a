#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "service/ports/archive.h"
#include "service/ports/job_store.h"
#include "storage/memory/memory_file_store.h"
#include "storage/memory/memory_ledger_store.h"

namespace imagined::storage {

/// Jobs and what they leave, in memory, for tests: the same promises as the real stores but for
/// durability.
class MemoryJobStore final : public service::JobStore, public service::Archive {
 public:
  explicit MemoryJobStore(const Clock& clock) : clock_(clock), ledger_(clock) {}

  /// The books that its jobs are written in.
  MemoryLedgerStore& ledger() { return ledger_; }
  /// The files beside them, whose bytes are no orphans.
  MemoryFileStore& files() { return files_; }

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

  Result<std::vector<service::StoredPicture>> pictures(std::string_view job_id) override;
  Result<service::StoredPicture> find_picture(std::string_view picture_id) override;
  Result<std::vector<service::OwnedPicture>> find_pictures(
      const service::PictureFilter& filter) override;
  Result<void> remove_picture(std::string_view picture_id) override;
  Result<int> remove_pictures(std::int64_t before_ms, int count_max) override;
  Result<int> remove_jobs(std::int64_t before_ms, int count_max) override;
  Result<int> free_idempotency_keys(std::int64_t before_ms, int count_max) override;
  Result<std::int64_t> running_since_ms() override;
  Result<std::vector<std::string>> orphans(std::span<const std::string> blobs) override;

 private:
  struct Row {
    service::Job job;
    service::JobPayload payload;
    std::string request_hash;
    std::string share_key;
    std::string lease_origin;
    std::int64_t lease_until_ms = 0;  // monotonic
    int askers = 1;                   // who want it and have not given it up
    std::string deliver_origin;
    std::int64_t deliver_until_ms = 0;  // monotonic, as `job.deliver_by_ms`
  };
  /// Whoever waits for it has waited long enough.
  bool is_late(const Row& row) const;
  /// One more wants the job, if it is open; for who does not wait for it there is no time by which
  /// it is too late.
  const service::Job& give(Row& row, const service::NewJob& wanted);
  /// Null when there is no such job.
  Result<Row*> find_keyed_row(std::string_view team_id, std::string_view idempotency_key,
                              std::string_view request_hash);
  Row* find_row(std::string_view job_id);
  Row* find_leased(const service::Lease& lease);
  /// What a client asks for again that lost the answer; null when there is no such job.
  Row* find_lost(const service::NewJob& wanted);
  void grant_lease(Row& row, std::int64_t lease_ms);
  /// Moves the job of a lease; `aborted` when it holds no more.
  template <class Move>
  Result<void> move_leased(const service::Lease& lease, Move move, std::int64_t delivered = 0);
  /// Writes the job after a move, and pays for it when it has ended.
  Result<void> complete_one(const service::Completion& completion);
  void put(Row& row, service::Job after, service::EndedBy by, std::int64_t delivered = 0);

  const Clock& clock_;
  std::mutex mutex_;
  std::vector<Row> rows_;  // in order of arrival
  std::map<std::string, service::StoredPicture, std::less<>> pictures_;
  MemoryLedgerStore ledger_;
  MemoryFileStore files_;
};

}  // namespace imagined::storage
