#include "storage/memory/memory_ledger_store.h"

#include <algorithm>
#include <tuple>

namespace imagined::storage {

using service::Amount;
using service::Charge;
using service::Entry;
using service::QuotaPeriod;
using service::UsageRow;

void MemoryLedgerStore::write(Entry entry) { ledger_.push_back(std::move(entry)); }

void MemoryLedgerStore::spend(const Charge& charge, std::int64_t pictures, std::int64_t usd_ticks) {
  for (const std::string& bucket : service::spending_buckets(charge.owner, charge.user)) {
    for (const QuotaPeriod period : {QuotaPeriod::day, QuotaPeriod::month}) {
      Amount& amount = spending_[{bucket, service::period_at(period, charge.created_ms).name}];
      amount.pictures += pictures;
      amount.usd_ticks += usd_ticks;
    }
  }
}

Result<MemoryLedgerStore::Row*> MemoryLedgerStore::find(std::string_view charge_id) {
  const auto found = charges_.find(charge_id);
  if (found == charges_.end()) return fail(ErrorCode::not_found, "no such charge");
  return &found->second;
}

Result<void> MemoryLedgerStore::reserve(const service::Reservation& reservation) {
  const std::lock_guard lock(mutex_);
  const Charge& charge = reservation.charge;
  for (const service::Quota& asked : reservation.quotas) {
    const service::Quota quota =
        asked.is_teams_month ? lowered(asked, own_limit(charge.owner.team_id)) : asked;
    const auto used =
        spending_.find({quota.bucket, service::period_at(quota.period, charge.created_ms).name});
    TRY(service::check_quota(quota, used == spending_.end() ? Amount() : used->second,
                             charge.ordered(), charge.created_ms));
  }
  if (!charges_.try_emplace(charge.id, Row{.charge = charge}).second)
    return fail(ErrorCode::already_exists, "it exists already");
  write(service::reserve_entry(charge, clock_.unix_ms()));
  spend(charge, charge.counted(charge.pictures), charge.ordered().usd_ticks);
  return {};
}

Result<std::int64_t> MemoryLedgerStore::resolve(std::string_view charge_id,
                                                const service::Settlement& settlement) {
  const std::lock_guard lock(mutex_);
  Row& row = *TRY(find(charge_id));
  if (row.outcome)
    return fail(ErrorCode::failed_precondition, "the charge has been resolved before");
  row.outcome = settlement.outcome;
  row.paid = service::paid_pictures(row.charge, settlement);
  for (Entry& entry : service::resolve_entries(row.charge, row.paid, clock_.unix_ms()))
    write(std::move(entry));
  const std::int64_t cost = row.charge.bill.cost_usd_ticks(row.paid);
  spend(row.charge, row.charge.counted(row.paid - row.charge.pictures),
        cost - row.charge.ordered().usd_ticks);
  return cost;
}

Result<std::int64_t> MemoryLedgerStore::record(const service::Reservation& reservation,
                                               const service::Settlement& settlement) {
  TRY(reserve(reservation));
  return resolve(reservation.charge.id, settlement);
}

Result<std::int64_t> MemoryLedgerStore::refund(std::string_view charge_id) {
  const std::lock_guard lock(mutex_);
  Row& row = *TRY(find(charge_id));
  if (!row.outcome)
    return fail(ErrorCode::failed_precondition, "the charge has not been resolved yet");
  if (row.outcome == service::Outcome::picture_lost)
    return fail(ErrorCode::failed_precondition, "the charge has been refunded before");
  const Entry entry = service::refund_entry(row.charge, row.paid, clock_.unix_ms());
  write(entry);
  spend(row.charge, row.charge.counted(-row.paid), -entry.usd_ticks);
  row.outcome = service::Outcome::picture_lost;
  row.paid = 0;
  return entry.usd_ticks;
}

Result<std::int64_t> MemoryLedgerStore::cost(std::string_view charge_id) {
  const std::lock_guard lock(mutex_);
  const Row& row = *TRY(find(charge_id));
  return row.charge.bill.cost_usd_ticks(row.paid);
}

Result<std::map<std::string, std::int64_t>> MemoryLedgerStore::balances() {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::int64_t> balances;
  for (const Entry& entry : ledger_) {
    balances[entry.to] += entry.usd_ticks;
    balances[entry.from] -= entry.usd_ticks;
  }
  return balances;
}

Result<Amount> MemoryLedgerStore::spent(std::string_view bucket, QuotaPeriod period) {
  const std::lock_guard lock(mutex_);
  return spending_[{std::string(bucket), service::period_at(period, clock_.unix_ms()).name}];
}

Result<std::vector<UsageRow>> MemoryLedgerStore::usage(const service::UsageFilter& filter) {
  const std::lock_guard lock(mutex_);
  using Key =
      std::tuple<std::string, std::string, std::string, std::string, std::string, std::string_view>;
  std::map<Key, UsageRow> rows;
  for (const auto& [id, row] : charges_) {
    const Charge& charge = row.charge;
    const bool is_wanted = row.outcome && charge.created_ms >= filter.from_ms &&
                           charge.created_ms < filter.until_ms &&
                           (filter.team_id.empty() || filter.team_id == charge.owner.team_id) &&
                           (filter.key_id.empty() || filter.key_id == charge.owner.key_id) &&
                           (filter.user.empty() || filter.user == charge.user);
    if (!is_wanted) continue;
    const std::string day = service::period_at(QuotaPeriod::day, charge.created_ms).name;
    UsageRow& sum = rows[{day, charge.owner.team_id, charge.owner.key_id, charge.model, charge.user,
                          service::row_of(*row.outcome).name}];
    sum.day = day;
    sum.team_id = charge.owner.team_id;
    sum.key_id = charge.owner.key_id;
    sum.model = charge.model;
    sum.user = charge.user;
    sum.outcome = *row.outcome;
    ++sum.requests;
    sum.pictures += charge.counted(row.paid);
    sum.usd_ticks += charge.bill.cost_usd_ticks(row.paid);
  }
  std::vector<UsageRow> usage;
  std::int64_t nth = 0;
  for (auto& [key, row] : rows) {
    if (nth++ >= filter.first_row && std::ssize(usage) < filter.rows_max)
      usage.push_back(std::move(row));
  }
  return usage;
}

Result<service::LedgerAudit> MemoryLedgerStore::audit() {
  return service::LedgerAudit();  // its balances are sums, there is nothing that could differ
}

std::optional<std::int64_t> MemoryLedgerStore::own_limit(std::string_view team_id) const {
  const auto found = team_limits_.find(team_id);
  if (found == team_limits_.end()) return std::nullopt;
  return found->second;
}

Result<std::optional<std::int64_t>> MemoryLedgerStore::team_limit(std::string_view team_id) {
  const std::lock_guard lock(mutex_);
  return own_limit(team_id);
}

Result<void> MemoryLedgerStore::set_team_limit(std::string_view team_id,
                                               std::optional<std::int64_t> usd_ticks,
                                               const service::Deed&) {
  const std::lock_guard lock(mutex_);
  if (usd_ticks) {
    team_limits_.insert_or_assign(std::string(team_id), *usd_ticks);
  } else {
    team_limits_.erase(std::string(team_id));
  }
  return {};
}

}  // namespace imagined::storage
