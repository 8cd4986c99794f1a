// A job: one request on its way to pictures. Jobs are rows; the database is the only truth.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/pictures/picture_request.h"

namespace imagined::service {

/// A job is claimed this often at most: a second death of the worker is the end of it.
inline constexpr int kAttemptsMax = 2;

/// Spelled as in the database.
enum class JobState : std::uint8_t { queued, running, succeeded, failed, cancelled };

std::string_view to_string(JobState state);
/// Only for what `to_string` wrote; `data_loss` for anything else.
Result<JobState> parse_job_state(std::string_view text);
/// Succeeded, failed and cancelled: nothing happens to the job any more.
bool is_final(JobState state);

struct Job {
  std::string id;      // UUID version 7
  std::string key_id;  // public part of the API key that asked
  PictureRequest request;
  JobState state = JobState::queued;
  int attempt = 0;               // raised at each claim, so a crash counts
  std::string worker_id;         // who claimed it last
  std::string lease_token;       // new at each claim; fences off a worker that lost its lease
  std::optional<Error> error;    // of a failed job
  std::int64_t created_ms = 0;   // unix milliseconds
  std::int64_t started_ms = 0;   // last claim; 0: never
  std::int64_t finished_ms = 0;  // 0: not yet
};

/// The error of a job whose worker died in its last attempt.
Error worker_stopped_error(int attempts);

/// A finished picture; its bytes are the blob.
struct StoredPicture {
  std::string id;  // 22 random base62: the name in its URL
  std::string job_id;
  int index = 0;     // 0 to count - 1
  std::string blob;  // SHA-256 of the file, hex
  std::string mime_type;
  int width = 0;
  int height = 0;
  std::uint64_t seed = 0;
  std::int64_t size_bytes = 0;
  std::int64_t created_ms = 0;
};

}  // namespace imagined::service
