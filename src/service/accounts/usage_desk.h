#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "service/accounts/visit.h"
#include "service/ports/ledger_store.h"

namespace imagined::service {

/// What people can read in the books of their own team, whichever way they ask; errors as
/// KeyDesk's. Any thread may call it; calls block on the store.
class UsageDesk {
 public:
  /// The reference must outlive the desk.
  explicit UsageDesk(LedgerStore& ledger) : ledger_(ledger) {}

  struct Page {
    std::vector<UsageRow> rows;
    std::int64_t next_row = 0;  // 0: there is no other page
  };
  /// A page of at most `filter.rows_max` rows, which must be given; the team is the person's.
  Result<Page> usage(const Visit& visit, UsageFilter filter);

 private:
  LedgerStore& ledger_;
};

}  // namespace imagined::service
