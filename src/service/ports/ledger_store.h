#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/accounts/audit.h"
#include "service/billing/ledger.h"

namespace imagined::service {

/// What was ordered, delivered and paid on one day, by whom and of what.
struct UsageRow {
  std::string day;  // "2026-11-28"
  std::string team_id;
  std::string key_id;
  std::string model;
  std::string user;
  Outcome outcome = Outcome::delivered;
  std::int64_t requests = 0;
  std::int64_t pictures = 0;  // paid for
  std::int64_t usd_ticks = 0;

  bool operator==(const UsageRow&) const = default;
};

/// Which usage; an empty text is any.
struct UsageFilter {
  std::string team_id;
  std::string key_id;
  std::string user;
  std::int64_t from_ms = 0;  // of the order
  std::int64_t until_ms = INT64_MAX;
  std::int64_t first_row = 0;
  std::int64_t rows_max = INT64_MAX;
};

/// What an audit of the books found. All of it is zero, or the books are wrong.
struct LedgerAudit {
  std::int64_t sum_usd_ticks = 0;   // of all balances
  std::int64_t wrong_balances = 0;  // accounts whose balance is not the sum of their entries
  std::int64_t wrong_holds = 0;     // teams that hold something other than their open charges
  std::int64_t wrong_charges = 0;   // charges whose entries do not fit their state

  bool operator==(const LedgerAudit&) const = default;
};

/// Keeps the books (billing/ledger.h). Jobs are reserved and resolved by the JobStore, in its own
/// commits; whatever else is paid for comes here. Thread-safe; calls block; each is one commit, and
/// any may fail with `unavailable`, `storage_full`, `data_loss`.
class LedgerStore {
 public:
  virtual ~LedgerStore() = default;

  /// `resource_exhausted` over a quota: then nothing is kept. `already_exists` for a charge of this
  /// id.
  virtual Result<void> reserve(const Reservation& reservation) = 0;
  /// The cost. `not_found`; `failed_precondition` when it is resolved already.
  virtual Result<std::int64_t> resolve(std::string_view charge_id,
                                       const Settlement& settlement) = 0;
  /// Both at once, in one commit, for what needs no job; the cost.
  virtual Result<std::int64_t> record(const Reservation& reservation,
                                      const Settlement& settlement) = 0;
  /// Gives back what a resolved charge has cost; how much. `not_found`; `failed_precondition` while
  /// it is open or when it is refunded already.
  virtual Result<std::int64_t> refund(std::string_view charge_id) = 0;

  /// What a resolved charge has cost, and an open one 0. `not_found`.
  virtual Result<std::int64_t> cost(std::string_view charge_id) = 0;
  /// Of every account, by name.
  virtual Result<std::map<std::string, std::int64_t>> balances() = 0;
  /// What a bucket has ordered in the running period: delivered or still being made.
  virtual Result<Amount> spent(std::string_view bucket, QuotaPeriod period) = 0;
  /// Ordered by day, team, key, model, user, outcome; open charges are left out.
  virtual Result<std::vector<UsageRow>> usage(const UsageFilter& filter) = 0;
  virtual Result<LedgerAudit> audit() = 0;

  /// What the team has said that it wants to spend a month; none: it has not. From the commit on
  /// the team's quota of the month is no higher than this.
  virtual Result<std::optional<std::int64_t>> team_limit(std::string_view team_id) = 0;
  /// With its deed in one commit; none: the team has no limit of its own any more.
  virtual Result<void> set_team_limit(std::string_view team_id,
                                      std::optional<std::int64_t> usd_ticks, const Deed& deed) = 0;
};

}  // namespace imagined::service
