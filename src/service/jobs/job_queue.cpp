#include "service/jobs/job_queue.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/log.h"
#include "base/utf8.h"

namespace imagined::service {

Result<Job> JobQueue::insert(const NewJob& wanted) {
  auto inserted = store_.insert(wanted);
  if (!inserted) {
    Error& error = inserted.error();
    const bool full = error.code == ErrorCode::resource_exhausted && error.retry != Retry::no;
    if (full && error.retry_after_ms == 0)
      if (const auto pace = store_.pace()) error.retry_after_ms = pace->next_begin_ms();
    return inserted;
  }
  Job job = std::move(*inserted);
  if (job.id != wanted.job.id) {
    log(LogLevel::info, "job_asked_again", "id={} key={}", job.id, wanted.job.owner.key_id);
    return job;
  }
  bell_.job_queued();
  log(LogLevel::info, "job_queued", "id={} team={} key={} model={}", job.id, job.owner.team_id,
      job.owner.key_id, job.sold.model);
  return job;
}

Result<std::optional<Job>> JobQueue::find_keyed(const Caller& caller,
                                                std::string_view idempotency_key,
                                                std::string_view request_hash) {
  return store_.find_keyed(caller.owner.team_id, idempotency_key, request_hash);
}

Result<Job> JobQueue::find(const Caller& caller, std::string_view job_id) {
  auto job = store_.find(job_id);
  const bool is_there = job || job.error().code != ErrorCode::not_found;
  if (!is_there || (job && !may_see(caller, job->owner)))
    return fail(ErrorCode::not_found,
                fmt::format("there is no request {:?}", valid_utf8(job_id.substr(0, 60))),
                "request_id");
  return job;
}

Result<JobPayload> JobQueue::payload(const Caller& caller, std::string_view job_id) {
  TRY(find(caller, job_id));
  return store_.payload(job_id);
}

Result<Job> JobQueue::cancel(const Caller& caller, std::string_view job_id) {
  TRY(find(caller, job_id));
  return tell_if_cancelled(TRY(store_.cancel(job_id)));
}

Result<Job> JobQueue::give_up(std::string_view job_id, EndedBy by) {
  return tell_if_cancelled(TRY(store_.give_up(job_id, by)));
}

Job JobQueue::tell_if_cancelled(Job job) {
  if (job.state != JobState::cancelled) return job;
  bell_.job_cancelled(job.id);
  events_.publish({.kind = JobEvent::Kind::finished, .job_id = job.id});
  log(LogLevel::info, "job_cancelled", "id={}", job.id);
  return job;
}

Result<int> JobQueue::rescue(const Stranded& stranded) {
  auto moved = move_stranded(stranded);
  const std::lock_guard lock(mutex_);
  if (!moved && stranded.why == Stranded::Why::worker_died) not_rescued_.push_back(stranded);
  if (!moved || stranded.why != Stranded::Why::lease_expired) return moved;
  while (!not_rescued_.empty()) {
    *moved += TRY(move_stranded(not_rescued_.back()));
    not_rescued_.pop_back();
  }
  return moved;
}

Result<int> JobQueue::move_stranded(const Stranded& stranded) {
  const std::vector<Job> jobs = TRY(store_.rescue(stranded));
  bool any_queued = false;
  for (const Job& job : jobs) {
    log(LogLevel::warn, "job_rescued", "id={} state={} attempt={} worker={}", job.id,
        to_string(job.state), job.attempt, job.worker_id);
    if (is_final(job.state)) events_.publish({.kind = JobEvent::Kind::finished, .job_id = job.id});
    any_queued = any_queued || job.state == JobState::queued;
  }
  if (any_queued) bell_.job_queued();
  return static_cast<int>(jobs.size());
}

Result<int> JobQueue::end_overdue() {
  const std::vector<Job> jobs = TRY(store_.end_overdue());
  for (const Job& job : jobs) {
    log(LogLevel::warn, "job_overdue", "id={} model={}", job.id, job.sold.model);
    events_.publish({.kind = JobEvent::Kind::finished, .job_id = job.id});
  }
  return static_cast<int>(jobs.size());
}

}  // namespace imagined::service
