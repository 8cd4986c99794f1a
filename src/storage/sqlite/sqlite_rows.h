// Rows to domain values and back; for the stores of this folder.
#pragma once

#include <string_view>

#include "base/result.h"
#include "service/jobs/job.h"
#include "service/pictures/picture.h"
#include "storage/sqlite/connection.h"

namespace imagined::storage {

/// What `read_job` reads, in its order, from column 0 on.
inline constexpr std::string_view kJobColumns =
    "id, org_id, team_id, key_id, kind, model, price_usd_ticks, steps, guidance, idempotency_key, "
    "state, attempt, worker_id, lease_token, error_code, error_message, error_field, created_ms, "
    "deliver_by_ms, started_ms, finished_ms, once_usd_ticks, error_reason, error_retry, "
    "error_retry_after_ms";
inline constexpr int kJobColumnCount = 25;

/// `data_loss` for a state that is none.
Result<service::Job> read_job(const Statement& row);

inline constexpr std::string_view kPictureColumns =
    "id, job_id, position, blob, format, width, height, seed, size_bytes, created_ms, "
    "prompt_tokens, tokens_read, warnings, duration_ms";
inline constexpr int kPictureColumnCount = 14;

/// `data_loss` for a format that is none.
Result<service::StoredPicture> read_picture(const Statement& row);
Result<void> insert_picture(Connection& connection, const service::StoredPicture& picture);

tl::unexpected<Error> no_such(std::string_view what);

}  // namespace imagined::storage
