#include "storage/sqlite/sqlite_job_store.h"

#include <fmt/format.h>

#include <bit>
#include <limits>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/crypto.h"
#include "service/jobs/transition.h"
#include "storage/sqlite/connection.h"

namespace imagined::storage {
namespace {

using service::Job;
using service::JobState;
using service::StoredPicture;
using service::to_string;

constexpr std::string_view kJobColumns =
    "id, key_id, model, prompt, count, aspect_ratio, resolution, seed, format, user, state, "
    "attempt, worker_id, lease_token, error_code, error_message, error_field, created_ms, "
    "started_ms, finished_ms";
constexpr std::string_view kPictureColumns =
    "id, job_id, position, blob, mime_type, width, height, seed, size_bytes, created_ms";

constexpr std::size_t kLeaseTokenLength = 22;  // 131 bits

/// Rows were checked before they were written: one that is not right has been damaged.
template <class T>
Result<T> stored(Result<T> value) {
  if (value) return value;
  return fail(ErrorCode::data_loss, "a stored job is damaged", {},
              std::move(value.error().message));
}

Result<Job> read_job(const Statement& row) {
  auto prompt = TRY(stored(service::Prompt::parse(row.text(3), std::numeric_limits<int>::max())));
  const auto aspect_ratio = TRY(stored(service::parse_aspect_ratio(row.text(5))));
  const auto resolution = TRY(stored(service::parse_resolution(row.text(6))));
  const auto format = TRY(stored(image::parse_output_format(row.text(8))));
  const auto state = TRY(service::parse_job_state(row.text(10)));
  service::PictureRequest request{.model = row.text(2),
                                  .prompt = std::move(prompt),
                                  .count = static_cast<int>(row.integer(4)),
                                  .aspect_ratio = aspect_ratio,
                                  .resolution = resolution,
                                  .format = format,
                                  .user = row.text(9)};
  if (!row.is_null(7)) request.seed = std::bit_cast<std::uint64_t>(row.integer(7));
  Job job{.id = row.text(0),
          .key_id = row.text(1),
          .request = std::move(request),
          .state = state,
          .attempt = static_cast<int>(row.integer(11)),
          .worker_id = row.text(12),
          .lease_token = row.text(13),
          .created_ms = row.integer(17),
          .started_ms = row.integer(18),
          .finished_ms = row.integer(19)};
  if (!row.is_null(14))
    job.error = Error{.code = static_cast<ErrorCode>(row.integer(14)),
                      .message = row.text(15),
                      .field = row.text(16)};
  return job;
}

Result<StoredPicture> read_picture(const Statement& row) {
  StoredPicture picture{.id = row.text(0),
                        .job_id = row.text(1),
                        .index = static_cast<int>(row.integer(2)),
                        .blob = row.text(3),
                        .mime_type = row.text(4),
                        .width = static_cast<int>(row.integer(5)),
                        .height = static_cast<int>(row.integer(6)),
                        .seed = std::bit_cast<std::uint64_t>(row.integer(7)),
                        .size_bytes = row.integer(8),
                        .created_ms = row.integer(9)};
  TRY(stored(image::parse_mime_type(picture.mime_type)));
  return picture;
}

tl::unexpected<Error> no_such(std::string_view what) {
  return fail(ErrorCode::not_found, fmt::format("no such {}", what));
}

tl::unexpected<Error> lease_lost() {
  return fail(ErrorCode::aborted, "the job is not in this worker's hands any more");
}

Result<Job> find_job(Connection& connection, std::string_view job_id) {
  Statement row =
      TRY(connection.prepare(fmt::format("SELECT {} FROM jobs WHERE id = ?", kJobColumns)));
  if (!TRY(row.bind(job_id).step())) return no_such("job");
  return read_job(row);
}

Result<std::int64_t> count_queued(Connection& connection) {
  // The first condition is the index's: SQLite does not see that it follows from the second.
  Statement row =
      TRY(connection.prepare("SELECT count(*) FROM jobs "
                             "WHERE state IN ('queued', 'running') AND state = 'queued'"));
  TRY(row.step());
  return row.integer(0);
}

Result<void> insert_job(Connection& connection, const Job& job) {
  const auto& request = job.request;
  const auto seed = request.seed ? std::optional(std::bit_cast<std::int64_t>(*request.seed))
                                 : std::optional<std::int64_t>();
  Statement insert =
      TRY(connection.prepare("INSERT INTO jobs (id, key_id, model, prompt, count, aspect_ratio, "
                             "resolution, seed, format, user, state, created_ms) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  return insert
      .bind(job.id, job.key_id, request.model, request.prompt.text(), request.count,
            to_string(request.aspect_ratio), to_string(request.resolution), seed,
            image::to_string(request.format), request.user, to_string(JobState::queued),
            job.created_ms)
      .run();
}

Result<void> insert_picture(Connection& connection, const StoredPicture& picture) {
  Statement insert = TRY(connection.prepare(fmt::format(
      "INSERT INTO pictures ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", kPictureColumns)));
  return insert
      .bind(picture.id, picture.job_id, picture.index, picture.blob, picture.mime_type,
            picture.width, picture.height, std::bit_cast<std::int64_t>(picture.seed),
            picture.size_bytes, picture.created_ms)
      .run();
}

/// How a running job ends or goes back.
struct Ending {
  JobState to = JobState::succeeded;
  std::optional<Error> error;
  std::int64_t now_ms = 0;
};

/// Moves a job that is running under `lease_token`; false when it is not.
Result<bool> end_leased(Connection& connection, std::string_view job_id,
                        std::string_view lease_token, const Ending& ending) {
  const auto code = ending.error ? std::optional(static_cast<std::int64_t>(ending.error->code))
                                 : std::optional<std::int64_t>();
  Statement update =
      TRY(connection.prepare("UPDATE jobs SET state = ?, error_code = ?, error_message = ?, "
                             "error_field = ?, finished_ms = ?, lease_token = '' "
                             "WHERE id = ? AND state = 'running' AND lease_token = ?"));
  const Error error = ending.error.value_or(Error{});
  const JobState to = service::moved(JobState::running, ending.to);
  const std::int64_t finished_ms = service::is_final(to) ? ending.now_ms : 0;
  TRY(update.bind(to_string(to), code, error.message, error.field, finished_ms, job_id, lease_token)
          .run());
  return connection.changed_count() == 1;
}

Result<std::vector<Job>> find_stranded(Connection& connection, const service::Stranded& stranded,
                                       std::int64_t now_mono_ms) {
  // One statement for the three reasons: an empty worker or a lease far ahead matches all.
  Statement rows = TRY(connection.prepare(
      fmt::format("SELECT {} FROM jobs WHERE state IN ('queued', 'running') AND state = 'running' "
                  "AND (?1 = '' OR worker_id = ?1) AND lease_until_ms < ?2 ORDER BY sequence",
                  kJobColumns)));
  const bool by_worker = stranded.why == service::Stranded::Why::worker_died;
  CHECK(by_worker != stranded.worker_id.empty(), "which worker died?");
  const bool by_lease = stranded.why == service::Stranded::Why::lease_expired;
  const std::int64_t before_ms = by_lease ? now_mono_ms : std::numeric_limits<std::int64_t>::max();
  rows.bind(stranded.worker_id, before_ms);
  std::vector<Job> jobs;
  while (TRY(rows.step())) jobs.push_back(TRY(read_job(rows)));
  return jobs;
}

}  // namespace

Result<void> SqliteJobStore::insert_if_queue_below(const Job& job, std::int64_t limit) {
  Connection& connection = database_.writer();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  const std::int64_t waiting = TRY(count_queued(connection));
  if (waiting >= limit)
    return imagined::fail(ErrorCode::resource_exhausted,
                          fmt::format("the queue is full: {} jobs are waiting", waiting));
  TRY(insert_job(connection, job));
  return transaction.commit();
}

Result<std::optional<Job>> SqliteJobStore::claim(std::string_view worker_id,
                                                 std::int64_t lease_ms) {
  Connection& connection = database_.hasty();
  const auto lock = connection.lock();
  Statement row = TRY(connection.prepare(fmt::format(
      "UPDATE jobs SET state = ?1, attempt = attempt + 1, worker_id = ?2, lease_token = ?3, "
      "lease_until_ms = ?4, started_ms = ?5 WHERE sequence = ("
      "  SELECT sequence FROM jobs WHERE state IN ('queued', 'running') AND (state = 'queued' "
      "  OR (state = 'running' AND lease_until_ms < ?6 AND attempt < ?7)) "
      "  ORDER BY sequence LIMIT 1) "
      "RETURNING {}",
      kJobColumns)));
  const std::int64_t now_ms = clock_.monotonic_ms();
  row.bind(to_string(service::moved(JobState::queued, JobState::running)), worker_id,
           random_base62(kLeaseTokenLength), now_ms + lease_ms, clock_.unix_ms(), now_ms,
           service::kAttemptsMax);
  if (!TRY(row.step())) return std::optional<Job>();
  auto job = read_job(row);
  TRY(row.step());  // the change is kept only when the statement has come to its end
  if (!job) return tl::unexpected(std::move(job.error()));
  return std::optional(std::move(*job));
}

Result<void> SqliteJobStore::heartbeat(std::string_view job_id, std::string_view lease_token,
                                       std::int64_t lease_ms) {
  Connection& connection = database_.hasty();
  const auto lock = connection.lock();
  Statement update =
      TRY(connection.prepare("UPDATE jobs SET lease_until_ms = ? "
                             "WHERE id = ? AND state = 'running' AND lease_token = ?"));
  TRY(update.bind(clock_.monotonic_ms() + lease_ms, job_id, lease_token).run());
  if (connection.changed_count() != 1) return lease_lost();
  return {};
}

Result<void> SqliteJobStore::complete(std::string_view job_id, std::string_view lease_token,
                                      const std::vector<StoredPicture>& pictures) {
  Connection& connection = database_.writer();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  const Ending ending{.to = JobState::succeeded, .now_ms = clock_.unix_ms()};
  if (!TRY(end_leased(connection, job_id, lease_token, ending))) return lease_lost();
  for (const StoredPicture& picture : pictures) TRY(insert_picture(connection, picture));
  return transaction.commit();
}

Result<void> SqliteJobStore::fail(std::string_view job_id, std::string_view lease_token,
                                  const Error& error) {
  Connection& connection = database_.writer();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  const Ending ending{.to = JobState::failed, .error = error, .now_ms = clock_.unix_ms()};
  if (!TRY(end_leased(connection, job_id, lease_token, ending))) return lease_lost();
  return transaction.commit();
}

Result<void> SqliteJobStore::release(std::string_view job_id, std::string_view lease_token) {
  Connection& connection = database_.writer();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  if (!TRY(end_leased(connection, job_id, lease_token, {.to = JobState::queued})))
    return lease_lost();
  Statement update = TRY(connection.prepare("UPDATE jobs SET attempt = attempt - 1 WHERE id = ?"));
  TRY(update.bind(job_id).run());
  return transaction.commit();
}

Result<std::vector<Job>> SqliteJobStore::requeue_or_fail(const service::Stranded& stranded,
                                                         int attempts_max) {
  Connection& connection = database_.writer();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  std::vector<Job> jobs = TRY(find_stranded(connection, stranded, clock_.monotonic_ms()));
  for (Job& job : jobs) {
    Ending ending{.to = JobState::queued, .now_ms = clock_.unix_ms()};
    if (job.attempt >= attempts_max) {
      ending.to = JobState::failed;
      ending.error = service::worker_stopped_error(job.attempt);
    }
    TRY(end_leased(connection, job.id, job.lease_token, ending));
    job = TRY(find_job(connection, job.id));
  }
  TRY(transaction.commit());
  return jobs;
}

Result<Job> SqliteJobStore::cancel(std::string_view job_id) {
  Connection& connection = database_.writer();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  Job job = TRY(find_job(connection, job_id));
  if (service::is_final(job.state)) return job;
  Statement update = TRY(connection.prepare(
      "UPDATE jobs SET state = ?, finished_ms = ?, lease_token = '' WHERE id = ?"));
  TRY(update
          .bind(to_string(service::moved(job.state, JobState::cancelled)), clock_.unix_ms(), job_id)
          .run());
  job = TRY(find_job(connection, job_id));
  TRY(transaction.commit());
  return job;
}

Result<Job> SqliteJobStore::find(std::string_view job_id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  return find_job(connection, job_id);
}

Result<std::vector<StoredPicture>> SqliteJobStore::pictures(std::string_view job_id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(connection.prepare(
      fmt::format("SELECT {} FROM pictures WHERE job_id = ? ORDER BY position", kPictureColumns)));
  rows.bind(job_id);
  std::vector<StoredPicture> pictures;
  while (TRY(rows.step())) pictures.push_back(TRY(read_picture(rows)));
  return pictures;
}

Result<StoredPicture> SqliteJobStore::find_picture(std::string_view picture_id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row =
      TRY(connection.prepare(fmt::format("SELECT {} FROM pictures WHERE id = ?", kPictureColumns)));
  if (!TRY(row.bind(picture_id).step())) return no_such("picture");
  return read_picture(row);
}

Result<std::int64_t> SqliteJobStore::queued_count() {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  return count_queued(connection);
}

}  // namespace imagined::storage
