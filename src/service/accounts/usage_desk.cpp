#include "service/accounts/usage_desk.h"

#include <fmt/core.h>

#include <string>
#include <utility>

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

Result<Budgets> UsageDesk::budgets(const Visit& visit) {
  TRY(enter(visit, Role::member));
  const std::string bucket = fmt::format("team:{}", visit.caller.owner.team_id);
  return Budgets{.team = team_,
                 .today = TRY(ledger_.spent(bucket, QuotaPeriod::day)),
                 .this_month = TRY(ledger_.spent(bucket, QuotaPeriod::month)),
                 .rates = rates_};
}

}  // namespace imagined::service
