// How a request can end, and what is charged for it. The table for people is docs/billing.md; a
// test holds the two together.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace imagined::service {

/// Spelled as in the database.
enum class Outcome : std::uint8_t {
  refused,           // before it was a job: invalid, over a limit or a quota, queue full
  prompt_blocked,    // moderation of the text, or of a picture that was given
  picture_blocked,   // moderation of what was made
  delivered,         // the pictures are stored; whether the answer arrived does not matter
  cached,            // nothing was made for it: the pictures were there, or made for a twin
  cancelled_queued,  // by the customer, before the work began
  cancelled_running,
  client_gone_queued,  // hung up, and nobody else waits, and no idempotency key was given
  client_gone_running,
  timed_out,       // not begun or not finished in time
  engine_failed,   // the engine gave an error, or nobody could judge what it had made
  worker_lost,     // the worker died as often as it may
  storage_failed,  // made, but could not be stored
  server_stopped,  // ended with the server and was not taken up again
  picture_lost,    // delivered and paid, and the stored file is damaged before it was ever read
};
inline constexpr int kOutcomeCount = 15;

/// What an operator chooses for work that was done and yet did not end in a delivery by our fault.
enum class ChargePolicy : std::uint8_t {
  delivered_only,  // nothing delivered, nothing charged
  work_done,       // blocked pictures and abandoned running jobs are charged as ordered
};

/// "delivered_only", "work_done".
std::string_view to_string(ChargePolicy policy);
/// `invalid_argument` for anything else, field "charge_policy".
Result<ChargePolicy> parse_charge_policy(std::string_view text);

enum class Charged : std::uint8_t { nothing, delivered, ordered, refunded };

struct OutcomeRow {
  Outcome outcome;
  std::string_view name;  // as in the database and in docs/billing.md
  Charged delivered_only;
  Charged work_done;
};
std::span<const OutcomeRow> outcome_table();

const OutcomeRow& row_of(Outcome outcome);

/// For how many pictures the charge is settled.
std::int64_t charged_pictures(Outcome outcome, ChargePolicy policy, std::int64_t ordered,
                              std::int64_t delivered);

}  // namespace imagined::service
