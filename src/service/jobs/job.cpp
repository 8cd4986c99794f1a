#include "service/jobs/job.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"

namespace imagined::service {
namespace {

constexpr std::array<std::string_view, 5> kStates = {"queued", "running", "succeeded", "failed",
                                                     "cancelled"};
constexpr std::array<std::string_view, 3> kKinds = {"pictures", "edits", "videos"};

}  // namespace

std::string_view to_string(JobState state) {
  const auto index = static_cast<std::size_t>(state);
  CHECK(index < kStates.size(), "no job state {}", index);
  return kStates[index];
}

Result<JobState> parse_job_state(std::string_view text) {
  for (std::size_t i = 0; i < kStates.size(); ++i)
    if (kStates[i] == text) return static_cast<JobState>(i);
  return fail(ErrorCode::data_loss, "a stored job is damaged", {},
              fmt::format("job state \"{}\"", text));
}

bool is_final(JobState state) {
  return state == JobState::succeeded || state == JobState::failed || state == JobState::cancelled;
}

std::string_view to_string(JobKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  CHECK(index < kKinds.size(), "no job kind {}", index);
  return kKinds[index];
}

std::optional<JobKind> parse_job_kind(std::string_view text) {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (kKinds[i] == text) return static_cast<JobKind>(i);
  return std::nullopt;
}

Error reason_of(const Job& job) {
  CHECK(is_final(job.state) && job.state != JobState::succeeded, "job {} has no such reason",
        job.id);
  if (job.error) return *job.error;
  if (job.state == JobState::cancelled) return {ErrorCode::cancelled, "the job was cancelled"};
  return {ErrorCode::internal, "the job failed without a reason"};
}

}  // namespace imagined::service
