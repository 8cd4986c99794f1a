#include "service/jobs/job.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"

namespace imagined::service {
namespace {

constexpr std::array<std::string_view, 5> kStates = {"queued", "running", "succeeded", "failed",
                                                     "cancelled"};

}  // namespace

std::string_view to_string(JobState state) {
  const auto index = static_cast<std::size_t>(state);
  CHECK(index < kStates.size(), "no job state {}", index);
  return kStates[index];
}

Result<JobState> parse_job_state(std::string_view text) {
  for (std::size_t i = 0; i < kStates.size(); ++i)
    if (kStates[i] == text) return static_cast<JobState>(i);
  return fail(ErrorCode::data_loss, "a stored job is broken", {},
              fmt::format("job state \"{}\"", text));
}

bool is_final(JobState state) {
  return state == JobState::succeeded || state == JobState::failed || state == JobState::cancelled;
}

Error worker_stopped_error(int attempts) {
  const std::string often = attempts == 2 ? "twice" : fmt::format("{} times", attempts);
  return {.code = ErrorCode::internal,
          .message = fmt::format("the worker stopped {} while making this picture", often)};
}

}  // namespace imagined::service
