#include "service/accounts/usage_desk.h"

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

}  // namespace imagined::service
