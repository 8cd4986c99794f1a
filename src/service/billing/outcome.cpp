#include "service/billing/outcome.h"

#include <fmt/core.h>

#include <array>

#include "base/check.h"

namespace imagined::service {
namespace {

constexpr std::array<OutcomeRow, kOutcomeCount> kTable = {{
    {Outcome::refused, "refused", Charged::nothing, Charged::nothing},
    {Outcome::prompt_blocked, "prompt_blocked", Charged::nothing, Charged::nothing},
    {Outcome::picture_blocked, "picture_blocked", Charged::nothing, Charged::ordered},
    {Outcome::delivered, "delivered", Charged::delivered, Charged::delivered},
    {Outcome::cached, "cached", Charged::delivered, Charged::delivered},
    {Outcome::cancelled_queued, "cancelled_queued", Charged::nothing, Charged::nothing},
    {Outcome::cancelled_running, "cancelled_running", Charged::nothing, Charged::ordered},
    {Outcome::client_gone_queued, "client_gone_queued", Charged::nothing, Charged::nothing},
    {Outcome::client_gone_running, "client_gone_running", Charged::nothing, Charged::ordered},
    {Outcome::timed_out, "timed_out", Charged::nothing, Charged::nothing},
    {Outcome::engine_failed, "engine_failed", Charged::nothing, Charged::nothing},
    {Outcome::worker_lost, "worker_lost", Charged::nothing, Charged::nothing},
    {Outcome::storage_failed, "storage_failed", Charged::nothing, Charged::nothing},
    {Outcome::server_stopped, "server_stopped", Charged::nothing, Charged::nothing},
    {Outcome::picture_lost, "picture_lost", Charged::refunded, Charged::refunded},
}};

}  // namespace

std::string_view to_string(ChargePolicy policy) {
  return policy == ChargePolicy::work_done ? "work_done" : "delivered_only";
}

Result<ChargePolicy> parse_charge_policy(std::string_view text) {
  for (const ChargePolicy policy : {ChargePolicy::delivered_only, ChargePolicy::work_done})
    if (to_string(policy) == text) return policy;
  return fail(ErrorCode::invalid_argument,
              fmt::format("charge_policy is \"{}\", expected delivered_only or work_done", text),
              "charge_policy");
}

std::span<const OutcomeRow> outcome_table() { return kTable; }

const OutcomeRow& row_of(Outcome outcome) {
  for (const OutcomeRow& row : kTable)
    if (row.outcome == outcome) return row;
  CHECK(false, "no outcome {}", static_cast<int>(outcome));
}

std::int64_t charged_pictures(Outcome outcome, ChargePolicy policy, std::int64_t ordered,
                              std::int64_t delivered) {
  const OutcomeRow& row = row_of(outcome);
  switch (policy == ChargePolicy::delivered_only ? row.delivered_only : row.work_done) {
    case Charged::nothing:
    case Charged::refunded:
      return 0;
    case Charged::delivered:
      return delivered;
    case Charged::ordered:
      return ordered;
  }
  CHECK(false, "no charge of outcome {}", row.name);
}

}  // namespace imagined::service
