#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "service/accounts/capacity.h"
#include "service/accounts/visit.h"
#include "service/limits/allowance.h"
#include "service/ports/ledger_store.h"

namespace imagined::service {

/// What a team may spend a month: by the server's settings, and what it wants itself; none: any.
struct SpendingLimits {
  std::optional<std::int64_t> server_usd_ticks;
  std::optional<std::int64_t> own_usd_ticks;
  std::optional<std::int64_t> usd_ticks() const;  // the lower of them
};

/// What holds for a team and how much of it is used.
struct Budgets {
  Allowance team;  // the lower limit of the month
  Amount today;
  Amount this_month;
  Rates rates;  // of a key that has none of its own
};

/// What people can read in the books of their own team, whichever way they ask; errors as
/// KeyDesk's. Any thread may call it; calls block on the store.
class UsageDesk {
 public:
  /// The reference must outlive the desk. What is not limited here is not limited.
  explicit UsageDesk(LedgerStore& ledger, Allowance team = {}, Rates rates = {})
      : ledger_(ledger), team_(team), rates_(rates) {}

  struct Page {
    std::vector<UsageRow> rows;
    std::int64_t next_row = 0;  // 0: there is no other page
  };
  /// A page of at most `filter.rows_max` rows, which must be given; the team is the person's.
  Result<Page> usage(const Visit& visit, UsageFilter filter);
  Result<Budgets> budgets(const Visit& visit);
  Result<SpendingLimits> spending_limits(const Visit& visit);
  /// By an admin: what the team wants to spend a month from now on; none: as much as it may.
  /// `invalid_argument` below zero.
  Result<void> set_spending_limit(const Visit& visit, std::optional<std::int64_t> usd_ticks);

 private:
  LedgerStore& ledger_;
  const Allowance team_;
  const Rates rates_;
};

}  // namespace imagined::service
