// A job: one request on its way to a result. Jobs are rows; the database is the only truth.
//
// What is asked for, the payload, is no part of it: it travels only to who makes it (ports/
// job_store.h). So whoever waits for, cancels, rescues or bills a job cannot be hurt by a payload
// that this program does not understand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "service/accounts/owner.h"
#include "service/billing/price.h"

namespace imagined::service {

/// A job may cost its worker this many lives: after that it ends as failed.
inline constexpr int kAttemptsMax = 2;

/// Spelled as in the database.
enum class JobState : std::uint8_t { queued, running, succeeded, failed, cancelled };

std::string_view to_string(JobState state);
/// Only for what `to_string` wrote; `data_loss` for anything else.
Result<JobState> parse_job_state(std::string_view text);
/// Succeeded, failed and cancelled: nothing happens to the job any more.
bool is_final(JobState state);

/// What kind of work it is; spelled as in the database.
enum class JobKind : std::uint8_t { pictures, edits, videos };

std::string_view to_string(JobKind kind);
/// None for a kind that only a newer program knows: such a job is kept and left alone.
std::optional<JobKind> parse_job_kind(std::string_view text);

/// What was sold, settled once, when the job was taken: what happens to the configuration later
/// changes nothing.
struct Sold {
  std::string model;  // an id of the catalogue, aliases resolved
  Bill bill;
  /// 0: the default of the weights. None: taken by a program that did not write it down, so as the
  /// catalogue says when it is made, and `guidance` likewise.
  std::optional<int> steps;
  std::optional<float> guidance;  // none: the default of the weights

  bool operator==(const Sold&) const = default;
};

struct Job {
  std::string id;  // UUID version 7
  Owner owner;
  std::optional<JobKind> kind = JobKind::pictures;
  Sold sold;
  std::string idempotency_key;  // the customer's; empty: none. With one, a job outlives its client
  JobState state = JobState::queued;
  int attempt = 0;                 // raised at each claim, so a crash counts
  std::string worker_id;           // who claimed it last
  std::string lease_token;         // new at each claim; fences off a worker that lost its lease
  std::optional<Error> error;      // of a failed job
  std::int64_t created_ms = 0;     // unix milliseconds
  std::int64_t deliver_by_ms = 0;  // not begun by then, it is not made at all; 0: no such time
  std::int64_t started_ms = 0;     // last claim; 0: never
  std::int64_t finished_ms = 0;    // 0: not yet
};

/// Why a job ended without a result: its own error, or that it was cancelled. Only for such jobs.
Error reason_of(const Job& job);

}  // namespace imagined::service
