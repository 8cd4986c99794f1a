#include "storage/memory/memory_job_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/crypto.h"
#include "service/jobs/transition.h"

namespace imagined::storage {

using service::Job;
using service::JobState;
using service::StoredPicture;

MemoryJobStore::Row* MemoryJobStore::find_row(std::string_view job_id) {
  const auto found =
      std::ranges::find_if(rows_, [job_id](const Row& row) { return row.job.id == job_id; });
  return found == rows_.end() ? nullptr : &*found;
}

Result<MemoryJobStore::Row*> MemoryJobStore::leased(std::string_view job_id,
                                                    std::string_view lease_token) {
  Row* row = find_row(job_id);
  const bool held =
      row != nullptr && row->job.state == JobState::running && row->job.lease_token == lease_token;
  if (!held)
    return imagined::fail(ErrorCode::aborted, "the job is not in this worker's hands any more");
  return row;
}

std::int64_t MemoryJobStore::count_queued() const {
  return std::ranges::count_if(rows_,
                               [](const Row& row) { return row.job.state == JobState::queued; });
}

Result<void> MemoryJobStore::insert_if_queue_below(const Job& job, std::int64_t limit) {
  const std::lock_guard lock(mutex_);
  const std::int64_t waiting = count_queued();
  if (waiting >= limit)
    return imagined::fail(ErrorCode::resource_exhausted,
                          fmt::format("the queue is full: {} jobs are waiting", waiting));
  if (find_row(job.id) != nullptr)
    return imagined::fail(ErrorCode::already_exists, "it exists already");
  rows_.push_back({.job = job});
  return {};
}

Result<std::optional<Job>> MemoryJobStore::claim(std::string_view worker_id,
                                                 std::int64_t lease_ms) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now_ms = clock_.monotonic_ms();
  const auto claimable = [now_ms](const Row& row) {
    return row.job.state == JobState::queued ||
           (row.job.state == JobState::running && row.lease_until_ms < now_ms &&
            row.job.attempt < service::kAttemptsMax);
  };
  const auto row = std::ranges::find_if(rows_, claimable);
  if (row == rows_.end()) return std::optional<Job>();
  row->lease_until_ms = now_ms + lease_ms;
  row->job.state = service::moved(JobState::queued, JobState::running);
  row->job.worker_id = worker_id;
  row->job.lease_token = random_base62(22);
  row->job.started_ms = clock_.unix_ms();
  ++row->job.attempt;
  return std::optional(row->job);
}

Result<void> MemoryJobStore::heartbeat(std::string_view job_id, std::string_view lease_token,
                                       std::int64_t lease_ms) {
  const std::lock_guard lock(mutex_);
  TRY(leased(job_id, lease_token))->lease_until_ms = clock_.monotonic_ms() + lease_ms;
  return {};
}

Result<void> MemoryJobStore::complete(std::string_view job_id, std::string_view lease_token,
                                      const std::vector<StoredPicture>& pictures) {
  const std::lock_guard lock(mutex_);
  Job& job = TRY(leased(job_id, lease_token))->job;
  job.state = service::moved(job.state, JobState::succeeded);
  job.lease_token.clear();
  job.finished_ms = clock_.unix_ms();
  for (const StoredPicture& picture : pictures) pictures_.emplace(picture.id, picture);
  return {};
}

Result<void> MemoryJobStore::fail(std::string_view job_id, std::string_view lease_token,
                                  const Error& error) {
  const std::lock_guard lock(mutex_);
  Job& job = TRY(leased(job_id, lease_token))->job;
  job.state = service::moved(job.state, JobState::failed);
  job.lease_token.clear();
  job.error = Error{.code = error.code, .message = error.message, .field = error.field};
  job.finished_ms = clock_.unix_ms();
  return {};
}

Result<void> MemoryJobStore::release(std::string_view job_id, std::string_view lease_token) {
  const std::lock_guard lock(mutex_);
  Job& job = TRY(leased(job_id, lease_token))->job;
  job.state = service::moved(job.state, JobState::queued);
  job.lease_token.clear();
  --job.attempt;
  return {};
}

Result<std::vector<Job>> MemoryJobStore::requeue_or_fail(const service::Stranded& stranded,
                                                         int attempts_max) {
  const std::lock_guard lock(mutex_);
  std::vector<Job> changed;
  for (Row& row : rows_) {
    Job& job = row.job;
    using Why = service::Stranded::Why;
    const bool applies =
        stranded.why == Why::server_started ||
        (stranded.why == Why::worker_died && job.worker_id == stranded.worker_id) ||
        (stranded.why == Why::lease_expired && row.lease_until_ms < clock_.monotonic_ms());
    if (job.state != JobState::running || !applies) continue;
    const bool again = job.attempt < attempts_max;
    job.state = service::moved(job.state, again ? JobState::queued : JobState::failed);
    job.lease_token.clear();
    if (!again) {
      job.error = service::worker_stopped_error(job.attempt);
      job.finished_ms = clock_.unix_ms();
    }
    changed.push_back(job);
  }
  return changed;
}

Result<Job> MemoryJobStore::cancel(std::string_view job_id) {
  const std::lock_guard lock(mutex_);
  Row* row = find_row(job_id);
  if (row == nullptr) return imagined::fail(ErrorCode::not_found, "no such job");
  if (!service::is_final(row->job.state)) {
    row->job.state = service::moved(row->job.state, JobState::cancelled);
    row->job.lease_token.clear();
    row->job.finished_ms = clock_.unix_ms();
  }
  return row->job;
}

Result<Job> MemoryJobStore::find(std::string_view job_id) {
  const std::lock_guard lock(mutex_);
  const Row* row = find_row(job_id);
  if (row == nullptr) return imagined::fail(ErrorCode::not_found, "no such job");
  return row->job;
}

Result<std::vector<StoredPicture>> MemoryJobStore::pictures(std::string_view job_id) {
  const std::lock_guard lock(mutex_);
  std::vector<StoredPicture> found;
  for (const auto& [id, picture] : pictures_)
    if (picture.job_id == job_id) found.push_back(picture);
  std::ranges::sort(found, {}, &StoredPicture::index);
  return found;
}

Result<StoredPicture> MemoryJobStore::find_picture(std::string_view picture_id) {
  const std::lock_guard lock(mutex_);
  const auto found = pictures_.find(picture_id);
  if (found == pictures_.end()) return imagined::fail(ErrorCode::not_found, "no such picture");
  return found->second;
}

Result<std::int64_t> MemoryJobStore::queued_count() {
  const std::lock_guard lock(mutex_);
  return count_queued();
}

}  // namespace imagined::storage
