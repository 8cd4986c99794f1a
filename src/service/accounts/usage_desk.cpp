#include "service/accounts/usage_desk.h"

#include <fmt/core.h>

#include <string>
#include <utility>

#include "service/billing/money.h"

namespace imagined::service {

Result<UsageDesk::Page> UsageDesk::usage(const Visit& visit, UsageFilter filter) {
  TRY(enter(visit, Role::member));
  filter.team_id = visit.caller.owner.team_id;
  const std::int64_t rows_max = filter.rows_max;
  ++filter.rows_max;  // to know whether there is another page
  Page page{.rows = TRY(ledger_.usage(filter))};
  if (std::ssize(page.rows) <= rows_max) return page;
  page.rows.pop_back();
  page.next_row = filter.first_row + rows_max;
  return page;
}

std::optional<std::int64_t> SpendingLimits::usd_ticks() const {
  return lowered({.usd_ticks = server_usd_ticks}, own_usd_ticks).usd_ticks;
}

Result<SpendingLimits> UsageDesk::spending_limits(const Visit& visit) {
  TRY(enter(visit, Role::member));
  return SpendingLimits{.server_usd_ticks = team_.usd_ticks_per_month,
                        .own_usd_ticks = TRY(ledger_.team_limit(visit.caller.owner.team_id))};
}

Result<void> UsageDesk::set_spending_limit(const Visit& visit,
                                           std::optional<std::int64_t> usd_ticks) {
  TRY(enter(visit, Role::admin));
  if (usd_ticks && *usd_ticks < 0)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("the spending limit is {} USD, expected 0 or more", format_usd(*usd_ticks)),
        "desiredSoftSpendingLimit");
  const Owner& owner = visit.caller.owner;
  return ledger_.set_team_limit(
      owner.team_id, usd_ticks,
      {.actor = fmt::format("key:{}", owner.key_id),
       .action = "team.spending_limit",
       .target = fmt::format("team:{}", owner.team_id),
       .team_id = owner.team_id,
       .detail = usd_ticks ? fmt::format("usd_per_month={}", format_usd(*usd_ticks)) : "none",
       .request_id = std::string(visit.request_id)});
}

Result<Budgets> UsageDesk::budgets(const Visit& visit) {
  Allowance team = team_;
  team.usd_ticks_per_month = TRY(spending_limits(visit)).usd_ticks();
  const std::string bucket = fmt::format("team:{}", visit.caller.owner.team_id);
  return Budgets{.team = team,
                 .today = TRY(ledger_.spent(bucket, QuotaPeriod::day)),
                 .this_month = TRY(ledger_.spent(bucket, QuotaPeriod::month)),
                 .rates = rates_};
}

}  // namespace imagined::service
