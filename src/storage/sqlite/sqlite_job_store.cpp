#include "storage/sqlite/sqlite_job_store.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/check.h"
#include "base/crypto.h"
#include "base/log.h"
#include "service/jobs/transition.h"
#include "storage/codec/job_payload.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/ledger_rows.h"
#include "storage/sqlite/sqlite_rows.h"

namespace imagined::storage {
namespace {

using service::ClaimedJob;
using service::EndedBy;
using service::Job;
using service::JobState;
using service::Lease;
using service::NewJob;
using service::Stranded;

constexpr std::size_t kLeaseTokenLength = 22;  // 131 bits

// The condition of the index jobs_open: SQLite does not see that it follows from another.
constexpr std::string_view kOpen = "state IN ('queued', 'running')";

// Whether whoever waits for a job has waited long enough. A clock that is set forward makes nobody
// wait longer; after a restart of the machine it is the only one that goes on.
constexpr std::string_view kIsLate =
    "(deliver_by_ms <> 0 AND "
    "CASE deliver_origin WHEN ? THEN deliver_until_ms <= ? ELSE deliver_by_ms <= ? END)";

/// Its parameters, and then `others`.
Statement& bind_late(Statement& statement, const Clock& clock, const auto&... others) {
  return statement.bind(clock.origin(), clock.monotonic_ms(), clock.unix_ms(), others...);
}

tl::unexpected<Error> lease_lost() {
  return fail(ErrorCode::aborted, "the job is not in this worker's hands any more");
}

/// Pays for what was delivered of a job that has ended, and gives back the rest of its price.
Result<void> settle(Connection& connection, const Job& job, const service::Settlement& settlement) {
  const auto cost = resolve_charge(connection, job.id, settlement, job.finished_ms);
  // A job that was taken by a program without books has no charge.
  if (!cost && cost.error().code != ErrorCode::not_found) return tl::unexpected(cost.error());
  return {};
}

/// The only statement that writes `state`: `before` to `after`, which came out of
/// jobs/transition.h. What must happen together with a move joins its transaction here: a job that
/// ends is paid for. `aborted` when somebody else has moved the job since `before` was read, which
/// cannot be under the write lock.
Result<void> move_job(Connection& connection, const Job& before, const Job& after,
                      EndedBy by = EndedBy::worker, std::int64_t delivered = 0) {
  Statement update = TRY(connection.prepare(
      "UPDATE jobs SET state = ?, attempt = ?, worker_id = ?, lease_token = ?, error_code = ?, "
      "error_message = ?, error_field = ?, error_reason = ?, error_retry = ?, "
      "error_retry_after_ms = ?, started_ms = ?, finished_ms = ? "
      "WHERE id = ? AND state = ? AND lease_token = ?"));
  std::optional<std::int64_t> code;
  if (after.error) code = static_cast<std::int64_t>(after.error->code);
  const Error error = after.error.value_or(Error());
  TRY(update
          .bind(to_string(after.state), after.attempt, after.worker_id, after.lease_token, code,
                error.message, error.field, static_cast<std::int64_t>(error.reason),
                static_cast<std::int64_t>(error.retry), error.retry_after_ms, after.started_ms,
                after.finished_ms, before.id, to_string(before.state), before.lease_token)
          .run());
  if (connection.changed_count() != 1) return lease_lost();
  if (!service::is_final(after.state)) return {};
  return settle(connection, after, service::settlement_of(before, after, by, delivered));
}

Result<Job> find_job(Connection& connection, std::string_view job_id) {
  Statement row =
      TRY(connection.prepare(fmt::format("SELECT {} FROM jobs WHERE id = ?", kJobColumns)));
  if (!TRY(row.bind(job_id).step())) return no_such("job");
  return read_job(row);
}

/// The job that is running under a lease; `aborted` when it is not.
Result<Job> find_leased(Connection& connection, const Lease& lease) {
  auto job = find_job(connection, lease.job_id);
  if (!job && job.error().code != ErrorCode::not_found) return job;
  if (!job || job->state != JobState::running || job->lease_token != lease.token)
    return lease_lost();
  return job;
}

Result<std::vector<Job>> read_jobs(Statement& rows) {
  std::vector<Job> jobs;
  while (TRY(rows.step())) {
    auto job = read_job(rows);
    if (job) {
      jobs.push_back(std::move(*job));
      continue;
    }
    // One damaged row is no reason to leave the others alone.
    log(LogLevel::error, "job_row_damaged", "id={} reason={:?}", rows.text(0), job.error().detail);
  }
  return jobs;
}

Result<std::int64_t> count_queued(Connection& connection) {
  Statement row = TRY(connection.prepare(
      fmt::format("SELECT count(*) FROM jobs WHERE {} AND state = 'queued'", kOpen)));
  TRY(row.step());
  return row.integer(0);
}

Result<std::optional<Job>> find_keyed_job(Connection& connection, std::string_view team_id,
                                          std::string_view idempotency_key,
                                          std::string_view request_hash) {
  if (idempotency_key.empty()) return std::optional<Job>();
  Statement row = TRY(connection.prepare(
      fmt::format("SELECT {}, request_hash FROM jobs "
                  "WHERE team_id = ? AND idempotency_key = ? AND idempotency_key <> ''",
                  kJobColumns)));
  row.bind(team_id, idempotency_key);
  if (!TRY(row.step())) return std::optional<Job>();
  if (row.text(kJobColumnCount) != request_hash)
    return fail(ErrorCode::unprocessable,
                "this idempotency key was given before with another request", "idempotency_key");
  return std::optional(TRY(read_job(row)));
}

/// The job that a client lost the answer of and asks for again by itself.
Result<std::optional<Job>> find_lost(Connection& connection, const NewJob& wanted) {
  if (!wanted.attach_since_ms) return std::optional<Job>();
  Statement row = TRY(connection.prepare(
      fmt::format("SELECT {} FROM jobs WHERE key_id = ? AND request_hash = ? AND created_ms >= ? "
                  "AND idempotency_key = '' AND state NOT IN ('failed', 'cancelled') "
                  "ORDER BY sequence DESC LIMIT 1",
                  kJobColumns)));
  row.bind(wanted.job.owner.key_id, wanted.request_hash, *wanted.attach_since_ms);
  if (!TRY(row.step())) return std::optional<Job>();
  return std::optional(TRY(read_job(row)));
}

/// The same work for the same team, on its way.
Result<std::optional<Job>> find_twin(Connection& connection, const NewJob& wanted) {
  if (wanted.share_key.empty()) return std::optional<Job>();
  Statement row = TRY(connection.prepare(
      fmt::format("SELECT {} FROM jobs WHERE {} AND team_id = ? AND share_key = ? "
                  "ORDER BY sequence LIMIT 1",
                  kJobColumns, kOpen)));
  if (!TRY(row.bind(wanted.job.owner.team_id, wanted.share_key).step()))
    return std::optional<Job>();
  return std::optional(TRY(read_job(row)));
}

Result<void> check_in_flight(Connection& connection, const NewJob& wanted) {
  // The plus keeps SQLite from an index of all that the key has ever ordered.
  Statement row = TRY(
      connection.prepare(fmt::format("SELECT count(*) FROM jobs WHERE {} AND +key_id = ?", kOpen)));
  TRY(row.bind(wanted.job.owner.key_id).step());
  return service::check_in_flight(row.integer(0), wanted.in_flight_max);
}

Result<void> insert_inputs(Connection& connection, std::string_view job_id,
                           const std::vector<std::string>& blobs) {
  for (std::size_t position = 0; position < blobs.size(); ++position) {
    Statement insert =
        TRY(connection.prepare("INSERT INTO job_inputs (job_id, position, blob) VALUES (?, ?, ?)"));
    TRY(insert.bind(job_id, static_cast<std::int64_t>(position), blobs[position]).run());
  }
  return {};
}

Result<void> insert_job(Connection& connection, const NewJob& wanted, const Clock& clock) {
  const Job& job = wanted.job;
  CHECK(job.state == JobState::queued, "a new job is queued");
  const StoredPayload payload = encode_payload(wanted.payload);
  Statement insert = TRY(connection.prepare(
      "INSERT INTO jobs (id, org_id, team_id, key_id, kind, payload_version, payload, model, "
      "price_usd_ticks, once_usd_ticks, steps, guidance, idempotency_key, request_hash, "
      "created_ms, deliver_by_ms, deliver_until_ms, deliver_origin, share_key) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  const std::int64_t deliver_until_ms = job.deliver_by_ms - clock.unix_ms() + clock.monotonic_ms();
  TRY(insert
          .bind(job.id, job.owner.org_id, job.owner.team_id, job.owner.key_id, payload.kind,
                payload.version, payload.text, job.sold.model, job.sold.bill.per_picture_usd_ticks,
                job.sold.bill.once_usd_ticks, job.sold.steps, job.sold.guidance,
                job.idempotency_key, wanted.request_hash, job.created_ms, job.deliver_by_ms,
                deliver_until_ms, clock.origin(), wanted.share_key)
          .run());
  return insert_inputs(connection, job.id, service::inputs_of(wanted.payload));
}

/// How many want the job then.
Result<std::int64_t> add_askers(Connection& connection, std::string_view job_id, int count) {
  Statement update = TRY(connection.prepare(
      "UPDATE jobs SET askers = max(askers + ?, 0) WHERE id = ? RETURNING askers"));
  TRY(update.bind(count, job_id).step());
  return update.integer(0);
}

/// The job after it; a final one stays what it is.
Result<Job> cancel_job(Connection& connection, std::string_view job_id, EndedBy by,
                       std::int64_t now_ms) {
  Job job = TRY(find_job(connection, job_id));
  if (service::is_final(job.state)) return job;
  Job after = service::cancelled(job, now_ms);
  TRY(move_job(connection, job, after, by));
  return after;
}

/// The job that is given instead of a new one.
Result<std::optional<Job>> find_earlier(Connection& connection, const NewJob& wanted) {
  auto earlier = TRY(find_keyed_job(connection, wanted.job.owner.team_id,
                                    wanted.job.idempotency_key, wanted.request_hash));
  if (!earlier) earlier = TRY(find_lost(connection, wanted));
  if (!earlier) earlier = TRY(find_twin(connection, wanted));
  if (!earlier || service::is_final(earlier->state)) return earlier;
  // In the commit that finds it, so that nobody gives it up in between.
  TRY(add_askers(connection, earlier->id, 1));
  // Who does not wait for it has no time by which it is too late.
  if (wanted.job.deliver_by_ms == 0 && earlier->deliver_by_ms != 0) {
    Statement update = TRY(connection.prepare("UPDATE jobs SET deliver_by_ms = 0 WHERE id = ?"));
    TRY(update.bind(earlier->id).run());
    earlier->deliver_by_ms = 0;
  }
  return earlier;
}

/// Nobody wants a job any more but those who do not wait for it: all others did at a server that is
/// gone.
Result<void> forget_who_waited(Connection& connection) {
  Statement update = TRY(connection.prepare(
      fmt::format("UPDATE jobs SET askers = (deliver_by_ms = 0) WHERE {}", kOpen)));
  return update.run();
}

/// If there is room for it, with its price.
Result<void> insert_new(Connection& connection, const NewJob& wanted, const Clock& clock) {
  const std::int64_t waiting = TRY(count_queued(connection));
  if (waiting >= wanted.queue_limit)
    return fail(ErrorCode::resource_exhausted,
                fmt::format("the queue is full: {} jobs are waiting", waiting));
  TRY(check_in_flight(connection, wanted));
  if (wanted.reservation) TRY(reserve_charge(connection, *wanted.reservation, clock.unix_ms()));
  return insert_job(connection, wanted, clock);
}

Result<void> complete_job(Connection& connection, const service::Completion& completion,
                          std::int64_t now_ms) {
  const Job job = TRY(find_leased(connection, completion.lease));
  for (const service::StoredPicture& picture : completion.pictures)
    TRY(insert_picture(connection, picture));
  return move_job(connection, job, service::succeeded(job, now_ms), EndedBy::worker,
                  completion.delivered());
}

/// {"pictures":1}: the kinds that a worker makes, with the newest payload that we can read.
std::string kinds_with_versions(std::span<const service::JobKind> kinds) {
  std::string text = "{";
  for (const service::JobKind kind : kinds)
    text += fmt::format("{}\"{}\":{}", text.size() == 1 ? "" : ",", to_string(kind),
                        newest_payload_version(kind));
  return text + "}";
}

std::string tokens_of(std::span<const Lease> leases) {
  std::vector<std::string> tokens;
  for (const Lease& lease : leases) tokens.push_back(lease.token);
  return encode_texts(tokens);
}

/// Leases are ours to give: who, and until when.
Result<void> write_lease(Connection& connection, std::string_view tokens, const Clock& clock,
                         std::int64_t lease_ms) {
  Statement update = TRY(connection.prepare(
      fmt::format("UPDATE jobs SET lease_until_ms = ?, lease_origin = ? WHERE {} AND "
                  "state = 'running' AND lease_token IN (SELECT value FROM json_each(?))",
                  kOpen)));
  return update.bind(clock.monotonic_ms() + lease_ms, clock.origin(), tokens).run();
}

struct StrandedJob {
  Job job;
  Stranded::Why why;
  bool is_late = false;
};

Result<std::vector<StrandedJob>> find_stranded(Connection& connection, const Stranded& stranded,
                                               const Clock& clock) {
  using Why = Stranded::Why;
  const bool by_lease = stranded.why == Why::lease_expired;
  CHECK(by_lease == stranded.worker_id.empty(), "which worker died?");
  const std::string_view condition = by_lease ? "lease_origin <> ? OR lease_until_ms < ?"
                                     : stranded.why == Why::worker_died
                                         ? "worker_id = ?4"
                                         : "substr(worker_id, 1, length(?4)) = ?4";
  Statement rows = TRY(connection.prepare(
      fmt::format("SELECT {}, lease_origin, {} FROM jobs WHERE {} AND state = 'running' AND ({}) "
                  "ORDER BY sequence",
                  kJobColumns, kIsLate, kOpen, condition)));
  const std::string origin = clock.origin();
  if (by_lease) {
    bind_late(rows, clock, origin, clock.monotonic_ms());
  } else {
    bind_late(rows, clock, stranded.worker_id);
  }
  std::vector<StrandedJob> found;
  while (TRY(rows.step())) {
    // A machine that was started again has killed its workers, not the job.
    const bool restarted = by_lease && rows.text(kJobColumnCount) != origin;
    found.push_back({.job = TRY(read_job(rows)),
                     .why = restarted ? Why::restarted : stranded.why,
                     .is_late = rows.integer(kJobColumnCount + 1) != 0});
  }
  return found;
}

Result<std::vector<Job>> find_overdue(Connection& connection, const Clock& clock) {
  Statement rows = TRY(connection.prepare(
      fmt::format("SELECT {} FROM jobs WHERE {} AND state = 'queued' AND {} ORDER BY sequence",
                  kJobColumns, kOpen, kIsLate)));
  return read_jobs(bind_late(rows, clock));
}

}  // namespace

Result<Job> SqliteJobStore::insert(const NewJob& wanted) {
  return database_.group().change([&](Connection& connection) -> Result<Job> {
    if (auto earlier = TRY(find_earlier(connection, wanted))) return std::move(*earlier);
    TRY(insert_new(connection, wanted, clock_));
    return wanted.job;
  });
}

Result<std::optional<Job>> SqliteJobStore::find_keyed(std::string_view team_id,
                                                      std::string_view idempotency_key,
                                                      std::string_view request_hash) {
  if (idempotency_key.empty()) return std::optional<Job>();
  auto job = [&] {
    Connection& connection = database_.reader();
    const auto lock = connection.lock();
    return find_keyed_job(connection, team_id, idempotency_key, request_hash);
  }();
  if (job && *job) database_.group().settle();  // before anybody is told of it
  return job;
}

Result<std::optional<ClaimedJob>> SqliteJobStore::claim(const service::Claim& claim) {
  Connection& connection = database_.crash_safe();
  const auto lock = connection.lock();
  const std::string models = encode_texts(claim.models);
  const std::string kinds = kinds_with_versions(claim.kinds);
  while (true) {
    Transaction transaction = TRY(Transaction::begin(connection));
    const std::int64_t now_ms = clock_.unix_ms();
    std::optional<ClaimedJob> taken;
    {
      Statement row = TRY(connection.prepare(
          fmt::format("SELECT {}, payload_version, payload, kind FROM jobs "
                      "WHERE {} AND state = 'queued' AND NOT {} "
                      "AND model IN (SELECT value FROM json_each(?)) "
                      "AND payload_version <= (SELECT value FROM json_each(?) WHERE key = kind) "
                      "ORDER BY sequence LIMIT 1",
                      kJobColumns, kOpen, kIsLate)));
      if (!TRY(bind_late(row, clock_, models, kinds).step())) return std::optional<ClaimedJob>();
      Job job = TRY(read_job(row));
      auto payload = decode_payload({.kind = row.text(kJobColumnCount + 2),
                                     .version = static_cast<int>(row.integer(kJobColumnCount)),
                                     .text = row.text(kJobColumnCount + 1)});
      if (payload) {
        taken = ClaimedJob{.job = std::move(job), .payload = std::move(*payload)};
      } else {
        log(LogLevel::error, "job_unreadable", "id={} reason={:?}", job.id, payload.error().detail);
        TRY(move_job(connection, job, service::failed(job, payload.error(), now_ms)));
      }
    }
    if (taken) {
      const Job before = taken->job;
      taken->job =
          service::claimed(before, claim.worker_id, random_base62(kLeaseTokenLength), now_ms);
      TRY(move_job(connection, before, taken->job));
      const Lease leases[] = {taken->lease()};
      TRY(write_lease(connection, tokens_of(leases), clock_, claim.lease_ms));
    }
    TRY(transaction.commit());
    if (taken) return taken;
  }
}

Result<std::vector<Lease>> SqliteJobStore::lost(std::span<const Lease> leases) {
  std::vector<Lease> lost(leases.begin(), leases.end());
  if (lost.empty()) return lost;
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(connection.prepare(
      fmt::format("SELECT lease_token FROM jobs WHERE {} AND state = 'running' AND lease_token IN "
                  "(SELECT value FROM json_each(?))",
                  kOpen)));
  rows.bind(tokens_of(leases));
  while (TRY(rows.step()))
    std::erase_if(lost, [held = rows.text(0)](const Lease& lease) { return lease.token == held; });
  return lost;
}

Result<void> SqliteJobStore::prolong(std::span<const Lease> leases, std::int64_t lease_ms) {
  if (leases.empty()) return {};
  Connection& connection = database_.crash_safe();
  const auto lock = connection.lock();
  return write_lease(connection, tokens_of(leases), clock_, lease_ms);
}

// In one commit that is on the disk before it can be seen, and not by the group: what has succeeded
// is read by another process, which does not know whether it may tell.
std::vector<Result<void>> SqliteJobStore::complete_all(
    std::span<const service::Completion> completions) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  std::vector<Work> works;
  for (const service::Completion& completion : completions)
    works.emplace_back([this, &completion](Connection& within) {
      return complete_job(within, completion, clock_.unix_ms());
    });
  return commit_together(connection, works);
}

Result<void> SqliteJobStore::fail(const Lease& lease, const Error& error) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  const Job job = TRY(find_leased(connection, lease));
  TRY(move_job(connection, job, service::failed(job, error, clock_.unix_ms())));
  return transaction.commit();
}

Result<void> SqliteJobStore::release(const Lease& lease) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  const Job job = TRY(find_leased(connection, lease));
  TRY(move_job(connection, job, service::released(job)));
  return transaction.commit();
}

Result<Job> SqliteJobStore::cancel(std::string_view job_id) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  Job job = TRY(cancel_job(connection, job_id, EndedBy::customer, clock_.unix_ms()));
  TRY(transaction.commit());
  return job;
}

Result<Job> SqliteJobStore::give_up(std::string_view job_id, EndedBy by) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  Job job = TRY(find_job(connection, job_id));
  const std::int64_t left = TRY(add_askers(connection, job_id, -1));
  if (left == 0 && job.idempotency_key.empty())
    job = TRY(cancel_job(connection, job_id, by, clock_.unix_ms()));
  TRY(transaction.commit());
  return job;
}

Result<std::vector<Job>> SqliteJobStore::rescue(const Stranded& stranded) {
  const bool is_first = stranded.why == Stranded::Why::restarted;
  if (!is_first) {
    // Mostly there is nobody, and a look takes no lock from who writes.
    Connection& reader = database_.reader();
    const auto lock = reader.lock();
    if (TRY(find_stranded(reader, stranded, clock_)).empty()) return std::vector<Job>();
  }
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  std::vector<Job> moved;
  for (const auto& [job, why, is_late] : TRY(find_stranded(connection, stranded, clock_))) {
    moved.push_back(service::rescued(job, why, is_late, clock_.unix_ms()));
    TRY(move_job(connection, job, moved.back(), EndedBy::death));
  }
  if (is_first) TRY(forget_who_waited(connection));
  TRY(transaction.commit());
  return moved;
}

Result<std::vector<Job>> SqliteJobStore::end_overdue() {
  {
    Connection& reader = database_.reader();
    const auto lock = reader.lock();
    if (TRY(find_overdue(reader, clock_)).empty()) return std::vector<Job>();
  }
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  std::vector<Job> jobs = TRY(find_overdue(connection, clock_));
  for (Job& job : jobs) {
    const Job before = std::exchange(job, service::overdue(job, clock_.unix_ms()));
    TRY(move_job(connection, before, job, EndedBy::deadline));
  }
  TRY(transaction.commit());
  return jobs;
}

Result<service::QueuePace> SqliteJobStore::pace() {
  using service::QueuePace;
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement open = TRY(connection.prepare(
      fmt::format("SELECT (SELECT count(*) FROM jobs WHERE {0} AND state = 'queued'), "
                  "(SELECT count(*) FROM jobs WHERE {0} AND state = 'running')",
                  kOpen)));
  TRY(open.step());
  QueuePace pace{.queued = open.integer(0), .running = open.integer(1)};
  // The condition of the index jobs_ended, for the jobs that were made last.
  Statement rows = TRY(connection.prepare(
      "SELECT started_ms, finished_ms FROM jobs WHERE state NOT IN ('queued', 'running') AND "
      "state = 'succeeded' ORDER BY finished_ms DESC LIMIT ?"));
  rows.bind(QueuePace::kJobsMeasured);
  std::vector<QueuePace::Made> made;
  while (TRY(rows.step()))
    made.push_back({.started_ms = rows.integer(0), .finished_ms = rows.integer(1)});
  pace.measure(std::move(made));
  return pace;
}

Result<Job> SqliteJobStore::find(std::string_view job_id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  return find_job(connection, job_id);
}

Result<service::JobPayload> SqliteJobStore::payload(std::string_view job_id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row =
      TRY(connection.prepare("SELECT kind, payload_version, payload FROM jobs WHERE id = ?"));
  row.bind(job_id);
  if (!TRY(row.step())) return imagined::fail(ErrorCode::not_found, "no such job");
  return decode_payload(
      {.kind = row.text(0), .version = static_cast<int>(row.integer(1)), .text = row.text(2)});
}

Result<std::vector<Job>> SqliteJobStore::find_all(std::span<const std::string> job_ids) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(connection.prepare(fmt::format(
      "SELECT {} FROM jobs WHERE id IN (SELECT value FROM json_each(?))", kJobColumns)));
  rows.bind(encode_texts(job_ids));
  return read_jobs(rows);
}

}  // namespace imagined::storage
