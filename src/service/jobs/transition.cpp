#include "service/jobs/transition.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"

namespace imagined::service {
namespace {

Job moved(Job job, JobState to) {
  CHECK(may_move(job.state, to), "a job may not move from {} to {}", to_string(job.state),
        to_string(to));
  job.state = to;
  job.lease_token.clear();
  return job;
}

Job ended(Job job, JobState to, std::int64_t now_ms) {
  job = moved(std::move(job), to);
  job.finished_ms = now_ms;
  return job;
}

Error worker_stopped_error(int attempts) {
  const std::string often = attempts == 2 ? "twice" : fmt::format("{} times", attempts);
  return {.code = ErrorCode::internal,
          .message = fmt::format("the worker stopped {} while making this picture", often)};
}

}  // namespace

bool may_move(JobState from, JobState to) {
  switch (from) {
    case JobState::queued:
      return to == JobState::running || to == JobState::failed || to == JobState::cancelled;
    case JobState::running:
      return to != JobState::running;
    case JobState::succeeded:
    case JobState::failed:
    case JobState::cancelled:
      return false;
  }
  CHECK(false, "no job state {}", static_cast<int>(from));
}

Job claimed(Job job, std::string_view worker_id, std::string lease_token, std::int64_t now_ms) {
  job = moved(std::move(job), JobState::running);
  ++job.attempt;
  job.worker_id = worker_id;
  job.lease_token = std::move(lease_token);
  job.started_ms = now_ms;
  return job;
}

Job succeeded(Job job, std::int64_t now_ms) {
  return ended(std::move(job), JobState::succeeded, now_ms);
}

Job failed(Job job, const Error& error, std::int64_t now_ms) {
  job = ended(std::move(job), JobState::failed, now_ms);
  job.error = error;
  job.error->detail.clear();
  return job;
}

Job cancelled(Job job, std::int64_t now_ms) {
  return ended(std::move(job), JobState::cancelled, now_ms);
}

Job released(Job job) {
  job = moved(std::move(job), JobState::queued);
  --job.attempt;
  return job;
}

Job rescued(Job job, Stranded::Why why, bool is_late, std::int64_t now_ms) {
  if (why == Stranded::Why::restarted) {
    job = released(std::move(job));
  } else if (job.attempt >= kAttemptsMax) {
    return failed(job, worker_stopped_error(job.attempt), now_ms);
  } else {
    job = moved(std::move(job), JobState::queued);
  }
  return is_late ? overdue(std::move(job), now_ms) : job;
}

Job overdue(Job job, std::int64_t now_ms) {
  return failed(
      std::move(job),
      {.code = ErrorCode::deadline_exceeded, .message = "no worker could begin this in time"},
      now_ms);
}

}  // namespace imagined::service
