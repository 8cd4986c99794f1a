#include "storage/memory/memory_job_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/crypto.h"
#include "service/jobs/transition.h"

namespace imagined::storage {

using service::ClaimedJob;
using service::EndedBy;
using service::Job;
using service::JobState;
using service::Lease;
using service::NewJob;
using service::StoredPicture;
using service::Stranded;

MemoryJobStore::Row* MemoryJobStore::find_row(std::string_view job_id) {
  const auto found =
      std::ranges::find_if(rows_, [job_id](const Row& row) { return row.job.id == job_id; });
  return found == rows_.end() ? nullptr : &*found;
}

MemoryJobStore::Row* MemoryJobStore::find_leased(const Lease& lease) {
  Row* row = find_row(lease.job_id);
  const bool held =
      row != nullptr && row->job.state == JobState::running && row->job.lease_token == lease.token;
  return held ? row : nullptr;
}

void MemoryJobStore::grant_lease(Row& row, std::int64_t lease_ms) {
  row.lease_origin = clock_.origin();
  row.lease_until_ms = clock_.monotonic_ms() + lease_ms;
}

bool MemoryJobStore::is_late(const Row& row) const {
  if (row.job.deliver_by_ms == 0) return false;
  return row.deliver_origin == clock_.origin() ? row.deliver_until_ms <= clock_.monotonic_ms()
                                               : row.job.deliver_by_ms <= clock_.unix_ms();
}

const Job& MemoryJobStore::give(Row& row, const NewJob& wanted) {
  if (service::is_final(row.job.state)) return row.job;
  ++row.askers;
  if (wanted.job.deliver_by_ms == 0) row.job.deliver_by_ms = 0;
  return row.job;
}

Result<MemoryJobStore::Row*> MemoryJobStore::find_keyed_row(std::string_view team_id,
                                                            std::string_view idempotency_key,
                                                            std::string_view request_hash) {
  for (Row& row : rows_) {
    if (idempotency_key.empty() || row.job.idempotency_key != idempotency_key ||
        row.job.owner.team_id != team_id)
      continue;
    if (row.request_hash == request_hash) return &row;
    return imagined::fail(ErrorCode::unprocessable,
                          "this idempotency key was given before with another request",
                          "idempotency_key");
  }
  return nullptr;
}

Result<std::optional<Job>> MemoryJobStore::find_keyed(std::string_view team_id,
                                                      std::string_view idempotency_key,
                                                      std::string_view request_hash) {
  const std::lock_guard lock(mutex_);
  const Row* row = TRY(find_keyed_row(team_id, idempotency_key, request_hash));
  return row == nullptr ? std::optional<Job>() : std::optional(row->job);
}

MemoryJobStore::Row* MemoryJobStore::find_lost(const NewJob& wanted) {
  if (!wanted.attach_since_ms) return nullptr;
  const auto row = std::find_if(rows_.rbegin(), rows_.rend(), [&wanted](const Row& each) {
    const Job& job = each.job;
    return job.owner.key_id == wanted.job.owner.key_id &&
           each.request_hash == wanted.request_hash && job.idempotency_key.empty() &&
           job.created_ms >= *wanted.attach_since_ms && job.state != JobState::failed &&
           job.state != JobState::cancelled;
  });
  return row == rows_.rend() ? nullptr : &*row;
}

Result<Job> MemoryJobStore::insert(const NewJob& wanted) {
  const std::lock_guard lock(mutex_);
  const Job& job = wanted.job;
  if (Row* keyed = TRY(find_keyed_row(job.owner.team_id, job.idempotency_key, wanted.request_hash)))
    return give(*keyed, wanted);
  if (Row* lost = find_lost(wanted)) return give(*lost, wanted);
  const auto twin = std::ranges::find_if(rows_, [&wanted](const Row& row) {
    return !wanted.share_key.empty() && row.share_key == wanted.share_key &&
           row.job.owner.team_id == wanted.job.owner.team_id && !service::is_final(row.job.state);
  });
  if (twin != rows_.end()) return give(*twin, wanted);
  const auto waiting =
      std::ranges::count(rows_, JobState::queued, [](const Row& row) { return row.job.state; });
  if (waiting >= wanted.queue_limit)
    return imagined::fail(ErrorCode::resource_exhausted,
                          fmt::format("the queue is full: {} jobs are waiting", waiting));
  const auto in_flight = std::ranges::count_if(rows_, [&job](const Row& row) {
    return !service::is_final(row.job.state) && row.job.owner.key_id == job.owner.key_id;
  });
  TRY(service::check_in_flight(in_flight, wanted.in_flight_max));
  if (find_row(job.id) != nullptr)
    return imagined::fail(ErrorCode::already_exists, "it exists already");
  if (wanted.reservation) TRY(ledger_.reserve(*wanted.reservation));
  rows_.push_back(
      {.job = job,
       .payload = wanted.payload,
       .request_hash = wanted.request_hash,
       .share_key = wanted.share_key,
       .lease_origin = {},
       .deliver_origin = clock_.origin(),
       .deliver_until_ms = job.deliver_by_ms - clock_.unix_ms() + clock_.monotonic_ms()});
  return job;
}

Result<std::optional<ClaimedJob>> MemoryJobStore::claim(const service::Claim& claim) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now_ms = clock_.unix_ms();
  const auto row = std::ranges::find_if(rows_, [&](const Row& each) {
    return each.job.state == JobState::queued && !is_late(each) &&
           std::ranges::count(claim.models, each.job.sold.model) > 0 &&
           std::ranges::count(claim.kinds, service::kind_of(each.payload)) > 0;
  });
  if (row == rows_.end()) return std::optional<ClaimedJob>();
  row->job = service::claimed(row->job, claim.worker_id, random_base62(22), now_ms);
  grant_lease(*row, claim.lease_ms);
  return std::optional(ClaimedJob{.job = row->job, .payload = row->payload});
}

Result<std::vector<Lease>> MemoryJobStore::lost(std::span<const Lease> leases) {
  const std::lock_guard lock(mutex_);
  std::vector<Lease> lost;
  for (const Lease& lease : leases)
    if (find_leased(lease) == nullptr) lost.push_back(lease);
  return lost;
}

Result<void> MemoryJobStore::prolong(std::span<const Lease> leases, std::int64_t lease_ms) {
  const std::lock_guard lock(mutex_);
  for (const Lease& lease : leases)
    if (Row* row = find_leased(lease)) grant_lease(*row, lease_ms);
  return {};
}

void MemoryJobStore::put(Row& row, Job after, EndedBy by, std::int64_t delivered) {
  if (service::is_final(after.state)) {
    // A job without a reservation has no charge.
    const auto cost =
        ledger_.resolve(after.id, service::settlement_of(row.job, after, by, delivered));
    CHECK(cost || cost.error().code == ErrorCode::not_found, "{}", cost.error().message);
  }
  row.job = std::move(after);
}

template <class Move>
Result<void> MemoryJobStore::move_leased(const Lease& lease, Move move, std::int64_t delivered) {
  Row* row = find_leased(lease);
  if (row == nullptr)
    return imagined::fail(ErrorCode::aborted, "the job is not in this worker's hands any more");
  put(*row, move(row->job), EndedBy::worker, delivered);
  return {};
}

Result<void> MemoryJobStore::complete_one(const service::Completion& completion) {
  TRY(move_leased(
      completion.lease, [&](const Job& job) { return service::succeeded(job, clock_.unix_ms()); },
      completion.delivered()));
  for (const StoredPicture& picture : completion.pictures) pictures_.emplace(picture.id, picture);
  return {};
}

std::vector<Result<void>> MemoryJobStore::complete_all(
    std::span<const service::Completion> completions) {
  const std::lock_guard lock(mutex_);
  std::vector<Result<void>> results;
  for (const service::Completion& completion : completions)
    results.push_back(complete_one(completion));
  return results;
}

Result<void> MemoryJobStore::fail(const Lease& lease, const Error& error) {
  const std::lock_guard lock(mutex_);
  return move_leased(lease,
                     [&](const Job& job) { return service::failed(job, error, clock_.unix_ms()); });
}

Result<void> MemoryJobStore::release(const Lease& lease) {
  const std::lock_guard lock(mutex_);
  return move_leased(lease, [](const Job& job) { return service::released(job); });
}

Result<Job> MemoryJobStore::cancel(std::string_view job_id) {
  const std::lock_guard lock(mutex_);
  Row* row = find_row(job_id);
  if (row == nullptr) return imagined::fail(ErrorCode::not_found, "no such job");
  if (!service::is_final(row->job.state))
    put(*row, service::cancelled(row->job, clock_.unix_ms()), EndedBy::customer);
  return row->job;
}

Result<Job> MemoryJobStore::give_up(std::string_view job_id, EndedBy by) {
  const std::lock_guard lock(mutex_);
  Row* row = find_row(job_id);
  if (row == nullptr) return imagined::fail(ErrorCode::not_found, "no such job");
  row->askers = std::max(row->askers - 1, 0);
  const Job& job = row->job;
  if (row->askers == 0 && job.idempotency_key.empty() && !service::is_final(job.state))
    put(*row, service::cancelled(job, clock_.unix_ms()), by);
  return row->job;
}

Result<std::vector<Job>> MemoryJobStore::rescue(const Stranded& stranded) {
  using Why = Stranded::Why;
  const std::lock_guard lock(mutex_);
  std::vector<Job> moved;
  for (Row& row : rows_) {
    if (stranded.why == Why::restarted) row.askers = row.job.deliver_by_ms == 0 ? 1 : 0;
    if (row.job.state != JobState::running) continue;
    const bool other_origin = row.lease_origin != clock_.origin();
    const bool applies = stranded.why == Why::worker_died ? row.job.worker_id == stranded.worker_id
                         : stranded.why == Why::restarted
                             ? row.job.worker_id.starts_with(stranded.worker_id)
                             : other_origin || row.lease_until_ms < clock_.monotonic_ms();
    if (!applies) continue;
    const bool restarted = stranded.why == Why::lease_expired && other_origin;
    put(row,
        service::rescued(row.job, restarted ? Why::restarted : stranded.why, is_late(row),
                         clock_.unix_ms()),
        EndedBy::death);
    moved.push_back(row.job);
  }
  return moved;
}

Result<std::vector<Job>> MemoryJobStore::end_overdue() {
  const std::lock_guard lock(mutex_);
  std::vector<Job> moved;
  for (Row& row : rows_) {
    if (row.job.state != JobState::queued || !is_late(row)) continue;
    put(row, service::overdue(row.job, clock_.unix_ms()), EndedBy::deadline);
    moved.push_back(row.job);
  }
  return moved;
}

Result<service::QueuePace> MemoryJobStore::pace() {
  using service::QueuePace;
  const std::lock_guard lock(mutex_);
  QueuePace pace;
  std::vector<Job> made;
  for (const Row& row : rows_) {
    pace.queued += row.job.state == JobState::queued ? 1 : 0;
    pace.running += row.job.state == JobState::running ? 1 : 0;
    if (row.job.state == JobState::succeeded) made.push_back(row.job);
  }
  std::ranges::sort(made, std::ranges::greater(), &Job::finished_ms);
  if (made.size() > QueuePace::kJobsMeasured) made.resize(QueuePace::kJobsMeasured);
  std::vector<QueuePace::Made> measured;
  for (const Job& job : made)
    measured.push_back({.started_ms = job.started_ms, .finished_ms = job.finished_ms});
  pace.measure(std::move(measured));
  return pace;
}

Result<Job> MemoryJobStore::find(std::string_view job_id) {
  const std::lock_guard lock(mutex_);
  const Row* row = find_row(job_id);
  if (row == nullptr) return imagined::fail(ErrorCode::not_found, "no such job");
  return row->job;
}

Result<service::JobPayload> MemoryJobStore::payload(std::string_view job_id) {
  const std::lock_guard lock(mutex_);
  const Row* row = find_row(job_id);
  if (row == nullptr) return imagined::fail(ErrorCode::not_found, "no such job");
  return row->payload;
}

Result<std::vector<Job>> MemoryJobStore::find_all(std::span<const std::string> job_ids) {
  const std::lock_guard lock(mutex_);
  std::vector<Job> jobs;
  for (const std::string& id : job_ids)
    if (const Row* row = find_row(id)) jobs.push_back(row->job);
  return jobs;
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

Result<std::vector<service::OwnedPicture>> MemoryJobStore::find_pictures(
    const service::PictureFilter& filter) {
  const std::lock_guard lock(mutex_);
  const auto place = [](const StoredPicture& picture) {
    return std::pair(picture.created_ms, picture.id);
  };
  const auto after = pictures_.find(filter.after);
  std::vector<service::OwnedPicture> found;
  for (const auto& [id, picture] : pictures_) {
    const Job& job = find_row(picture.job_id)->job;
    const bool is_behind =
        filter.after.empty() || (after != pictures_.end() && place(picture) > place(after->second));
    if ((filter.key_id.empty() || job.owner.key_id == filter.key_id) && is_behind &&
        picture.created_ms >= filter.from_ms && picture.created_ms < filter.until_ms)
      found.push_back({.picture = picture, .owner = job.owner, .model = job.sold.model});
  }
  std::ranges::sort(found, {}, [&](const auto& each) { return place(each.picture); });
  found.resize(std::min(found.size(), static_cast<std::size_t>(filter.count_max)));
  return found;
}

Result<void> MemoryJobStore::remove_picture(std::string_view picture_id) {
  const std::lock_guard lock(mutex_);
  const auto found = pictures_.find(picture_id);
  if (found == pictures_.end()) return imagined::fail(ErrorCode::not_found, "no such picture");
  pictures_.erase(found);
  return {};
}

Result<int> MemoryJobStore::remove_pictures(std::int64_t before_ms, int count_max) {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::int64_t, std::string>> old;
  for (const auto& [id, picture] : pictures_)
    if (picture.created_ms < before_ms) old.emplace_back(picture.created_ms, id);
  std::ranges::sort(old);
  old.resize(std::min(old.size(), static_cast<std::size_t>(count_max)));
  for (const auto& [created_ms, id] : old) pictures_.erase(id);
  return static_cast<int>(old.size());
}

Result<int> MemoryJobStore::remove_jobs(std::int64_t before_ms, int count_max) {
  const std::lock_guard lock(mutex_);
  int removed = 0;
  std::erase_if(rows_, [&](const Row& row) {
    const bool has_pictures = std::ranges::any_of(
        pictures_, [&](const auto& entry) { return entry.second.job_id == row.job.id; });
    const bool goes = removed < count_max && service::is_final(row.job.state) &&
                      row.job.finished_ms < before_ms && !has_pictures;
    removed += goes ? 1 : 0;
    return goes;
  });
  return removed;
}

Result<int> MemoryJobStore::free_idempotency_keys(std::int64_t before_ms, int count_max) {
  const std::lock_guard lock(mutex_);
  int freed = 0;
  for (Row& row : rows_) {
    if (freed == count_max || row.job.idempotency_key.empty() || row.job.created_ms >= before_ms)
      continue;
    row.job.idempotency_key.clear();
    ++freed;
  }
  return freed;
}

Result<std::int64_t> MemoryJobStore::running_since_ms() {
  const std::lock_guard lock(mutex_);
  std::int64_t since_ms = std::numeric_limits<std::int64_t>::max();
  for (const Row& row : rows_)
    if (row.job.state == JobState::running) since_ms = std::min(since_ms, row.job.started_ms);
  return since_ms;
}

Result<std::vector<std::string>> MemoryJobStore::orphans(std::span<const std::string> blobs) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> orphans;
  const auto is_needed = [this](const std::string& blob) {
    return files_.names(blob) ||
           std::ranges::any_of(pictures_,
                               [&](const auto& entry) { return entry.second.blob == blob; }) ||
           std::ranges::any_of(rows_, [&](const Row& row) {
             return !service::is_final(row.job.state) &&
                    std::ranges::count(service::inputs_of(row.payload), blob) > 0;
           });
  };
  for (const std::string& blob : blobs)
    if (!is_needed(blob)) orphans.push_back(blob);
  return orphans;
}

}  // namespace imagined::storage
