#include "storage/sqlite/sqlite_rows.h"

#include <fmt/format.h>
#include "base/words.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace imagined::storage {

using service::Job;
using service::StoredPicture;

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    lines.emplace_back(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(lines.back().size() + 1, text.size()));
  }
  return lines;
}

}  // namespace

Result<Job> read_job(const Statement& row) {
  Job job{.id = row.text(0),
          .owner = {.org_id = row.text(1), .team_id = row.text(2), .key_id = row.text(3)},
          .kind = service::parse_job_kind(row.text(4)),
          .sold = {.model = row.text(5),
                   .bill = {.per_picture_usd_ticks = row.integer(6),
                            .once_usd_ticks = row.integer(21)}},
          .idempotency_key = row.text(9),
          .attempt = static_cast<int>(row.integer(11)),
          .worker_id = row.text(12),
          .lease_token = row.text(13),
          .created_ms = row.integer(17),
          .deliver_by_ms = row.integer(18),
          .started_ms = row.integer(19),
          .finished_ms = row.integer(20)};
  if (!row.is_null(7)) job.sold.steps = static_cast<int>(row.integer(7));
  if (!row.is_null(8)) job.sold.guidance = static_cast<float>(row.real(8));
  job.state = TRY(service::parse_job_state(row.text(10)));
  if (!row.is_null(14))
    job.error = Error{.code = static_cast<ErrorCode>(row.integer(14)),
                      .message = row.text(15),
                      .field = row.text(16),
                      .retry_after_ms = row.integer(24),
                      .retry = static_cast<Retry>(row.integer(23)),
                      .reason = static_cast<ErrorReason>(row.integer(22))};
  return job;
}

Result<StoredPicture> read_picture(const Statement& row) {
  StoredPicture picture{.id = row.text(0),
                        .job_id = row.text(1),
                        .index = static_cast<int>(row.integer(2)),
                        .blob = row.text(3),
                        .width = static_cast<int>(row.integer(5)),
                        .height = static_cast<int>(row.integer(6)),
                        .seed = std::bit_cast<std::uint64_t>(row.integer(7)),
                        .size_bytes = row.integer(8),
                        .created_ms = row.integer(9),
                        .duration_ms = row.integer(13),
                        .reading = {.prompt_tokens = row.integer(10),
                                    .tokens_read = row.integer(11),
                                    .warnings = lines_of(row.text(12))}};
  picture.format = TRY(service::parse_file_format(row.text(4)));
  return picture;
}

Result<void> insert_picture(Connection& connection, const StoredPicture& picture) {
  Statement insert = TRY(connection.prepare(
      fmt::format("INSERT INTO pictures ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  kPictureColumns)));
  return insert
      .bind(picture.id, picture.job_id, picture.index, picture.blob, to_string(picture.format),
            picture.width, picture.height, std::bit_cast<std::int64_t>(picture.seed),
            picture.size_bytes, picture.created_ms, picture.reading.prompt_tokens,
            picture.reading.tokens_read, join_words(picture.reading.warnings, "\n"),
            picture.duration_ms)
      .run();
}

tl::unexpected<Error> no_such(std::string_view what) {
  return fail(ErrorCode::not_found, fmt::format("no such {}", what));
}

}  // namespace imagined::storage
