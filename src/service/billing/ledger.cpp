#include "service/billing/ledger.h"

#include <fmt/core.h>

#include "base/check.h"

namespace imagined::service {
namespace {

constexpr std::array<std::string_view, 4> kSteps = {"reserve", "settle", "release", "refund"};

}  // namespace

std::string_view to_string(EntryStep step) {
  const auto index = static_cast<std::size_t>(step);
  CHECK(index < kSteps.size(), "no step {}", index);
  return kSteps[index];
}

std::string wallet_of(const Owner& owner) { return fmt::format("wallet:{}", owner.team_id); }
std::string held_of(const Owner& owner) { return fmt::format("held:{}", owner.team_id); }
std::string revenue_of(std::string_view model) { return fmt::format("revenue:{}", model); }

Entry reserve_entry(const Charge& charge, std::int64_t now_ms) {
  return {.charge_id = charge.id,
          .step = EntryStep::reserve,
          .from = wallet_of(charge.owner),
          .to = held_of(charge.owner),
          .usd_ticks = charge.ordered().usd_ticks,
          .at_ms = now_ms};
}

std::int64_t paid_pictures(const Charge& charge, const Settlement& settlement) {
  return charged_pictures(settlement.outcome, charge.policy, charge.pictures, settlement.delivered);
}

std::array<Entry, 2> resolve_entries(const Charge& charge, std::int64_t paid, std::int64_t now_ms) {
  CHECK(paid >= 0 && paid <= charge.pictures, "{} of {} pictures are paid for", paid,
        charge.pictures);
  const std::int64_t cost = charge.bill.cost_usd_ticks(paid);
  return {Entry{.charge_id = charge.id,
                .step = EntryStep::settle,
                .from = held_of(charge.owner),
                .to = revenue_of(charge.model),
                .usd_ticks = cost,
                .at_ms = now_ms},
          Entry{.charge_id = charge.id,
                .step = EntryStep::release,
                .from = held_of(charge.owner),
                .to = wallet_of(charge.owner),
                .usd_ticks = charge.ordered().usd_ticks - cost,
                .at_ms = now_ms}};
}

Entry refund_entry(const Charge& charge, std::int64_t paid, std::int64_t now_ms) {
  return {.charge_id = charge.id,
          .step = EntryStep::refund,
          .from = revenue_of(charge.model),
          .to = wallet_of(charge.owner),
          .usd_ticks = charge.bill.cost_usd_ticks(paid),
          .at_ms = now_ms};
}

std::vector<std::string> spending_buckets(const Owner& owner, std::string_view user) {
  std::vector<std::string> buckets = {fmt::format("org:{}", owner.org_id),
                                      fmt::format("team:{}", owner.team_id),
                                      fmt::format("key:{}", owner.key_id)};
  if (!user.empty()) buckets.push_back(fmt::format("user:{}/{}", owner.team_id, user));
  return buckets;
}

}  // namespace imagined::service
