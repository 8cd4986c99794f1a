#include "storage/sqlite/sqlite_ledger_store.h"

#include <fmt/core.h>

#include "storage/sqlite/audit_rows.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/ledger_rows.h"
#include "storage/sqlite/sqlite_rows.h"

namespace imagined::storage {
namespace {

using service::UsageRow;

Result<service::Outcome> parse_outcome(std::string_view text) {
  for (const service::OutcomeRow& row : service::outcome_table())
    if (row.name == text) return row.outcome;
  return fail(ErrorCode::data_loss, "a stored charge is damaged");
}

}  // namespace

Result<void> SqliteLedgerStore::reserve(const service::Reservation& reservation) {
  return database_.group().change([&](Connection& connection) {
    return reserve_charge(connection, reservation, clock_.unix_ms());
  });
}

Result<std::int64_t> SqliteLedgerStore::resolve(std::string_view charge_id,
                                                const service::Settlement& settlement) {
  return database_.group().change([&](Connection& connection) {
    return resolve_charge(connection, charge_id, settlement, clock_.unix_ms());
  });
}

Result<std::int64_t> SqliteLedgerStore::record(const service::Reservation& reservation,
                                               const service::Settlement& settlement) {
  return database_.group().change([&](Connection& connection) {
    return record_charge(connection, reservation, settlement, clock_.unix_ms());
  });
}

Result<std::int64_t> SqliteLedgerStore::refund(std::string_view charge_id) {
  return database_.group().change([&](Connection& connection) {
    return refund_charge(connection, charge_id, clock_.unix_ms());
  });
}

Result<std::int64_t> SqliteLedgerStore::cost(std::string_view charge_id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row = TRY(connection.prepare("SELECT cost_usd_ticks FROM charges WHERE id = ?"));
  if (!TRY(row.bind(charge_id).step())) return no_such("charge");
  return row.integer(0);
}

Result<std::map<std::string, std::int64_t>> SqliteLedgerStore::balances() {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(connection.prepare("SELECT account, usd_ticks FROM balances"));
  std::map<std::string, std::int64_t> balances;
  while (TRY(rows.step())) balances[rows.text(0)] = rows.integer(1);
  return balances;
}

Result<service::Amount> SqliteLedgerStore::spent(std::string_view bucket,
                                                 service::QuotaPeriod period) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row = TRY(connection.prepare(
      "SELECT pictures, usd_ticks FROM spending WHERE bucket = ? AND period = ?"));
  if (!TRY(row.bind(bucket, service::period_at(period, clock_.unix_ms()).name).step()))
    return service::Amount();
  return service::Amount{.pictures = row.integer(0), .usd_ticks = row.integer(1)};
}

Result<std::vector<UsageRow>> SqliteLedgerStore::usage(const service::UsageFilter& filter) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(
      connection.prepare("SELECT day, team_id, key_id, model, user, outcome, count(*), "
                         "sum(CASE WHEN is_words THEN 0 ELSE paid_pictures END), "
                         "sum(cost_usd_ticks) FROM charges WHERE outcome IS NOT NULL "
                         "AND created_ms >= ?1 AND created_ms < ?2 AND (?3 = '' OR team_id = ?3) "
                         "AND (?4 = '' OR key_id = ?4) AND (?5 = '' OR user = ?5) "
                         "GROUP BY day, team_id, key_id, model, user, outcome "
                         "ORDER BY day, team_id, key_id, model, user, outcome LIMIT ?6 OFFSET ?7"));
  rows.bind(filter.from_ms, filter.until_ms, filter.team_id, filter.key_id, filter.user,
            filter.rows_max, filter.first_row);
  std::vector<UsageRow> usage;
  while (TRY(rows.step())) {
    const service::Outcome outcome = TRY(parse_outcome(rows.text(5)));
    usage.push_back({.day = rows.text(0),
                     .team_id = rows.text(1),
                     .key_id = rows.text(2),
                     .model = rows.text(3),
                     .user = rows.text(4),
                     .outcome = outcome,
                     .requests = rows.integer(6),
                     .pictures = rows.integer(7),
                     .usd_ticks = rows.integer(8)});
  }
  return usage;
}

Result<service::LedgerAudit> SqliteLedgerStore::audit() {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement one_view = TRY(connection.prepare("BEGIN"));
  TRY(one_view.run());
  const auto read = [&]() -> Result<service::LedgerAudit> {
    service::LedgerAudit audit;
    audit.sum_usd_ticks =
        TRY(connection.read_integer("SELECT coalesce(sum(usd_ticks), 0) FROM balances"));
    audit.wrong_balances = TRY(connection.read_integer(
        "WITH moves (account, usd_ticks) AS (SELECT to_account, usd_ticks FROM ledger UNION ALL "
        "SELECT from_account, -usd_ticks FROM ledger), "
        "sums AS (SELECT account, sum(usd_ticks) AS usd_ticks FROM moves GROUP BY account) "
        "SELECT count(*) FROM sums LEFT JOIN balances USING (account) "
        "WHERE balances.usd_ticks IS NOT sums.usd_ticks"));
    audit.wrong_holds = TRY(connection.read_integer(
        "SELECT count(*) FROM (SELECT team_id, sum(held_usd_ticks) AS held FROM charges GROUP BY "
        "team_id) WHERE held <> "
        "coalesce((SELECT usd_ticks FROM balances WHERE account = 'held:' || team_id), 0)"));
    audit.wrong_charges = TRY(connection.read_integer(
        "WITH sums AS (SELECT charge_id, "
        "sum(CASE step WHEN 'reserve' THEN usd_ticks ELSE 0 END) AS reserved, "
        "sum(CASE WHEN step IN ('settle', 'release') THEN usd_ticks ELSE 0 END) AS resolved, "
        "sum(CASE step WHEN 'settle' THEN usd_ticks WHEN 'refund' THEN -usd_ticks ELSE 0 END) "
        "AS paid FROM ledger GROUP BY charge_id) "
        "SELECT count(*) FROM charges LEFT JOIN sums ON charge_id = id WHERE "
        "coalesce(reserved, 0) <> per_picture_usd_ticks * pictures + once_usd_ticks "
        "OR coalesce(resolved, 0) <> CASE WHEN outcome IS NULL THEN 0 ELSE coalesce(reserved, 0) "
        "END OR cost_usd_ticks <> coalesce(paid, 0)"));
    return audit;
  };
  auto audit = read();
  TRY(connection.execute("COMMIT"));
  return audit;
}

Result<std::optional<std::int64_t>> SqliteLedgerStore::team_limit(std::string_view team_id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  return read_team_limit(connection, team_id);
}

Result<void> SqliteLedgerStore::set_team_limit(std::string_view team_id,
                                               std::optional<std::int64_t> usd_ticks,
                                               const service::Deed& deed) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  Statement remove = TRY(connection.prepare("DELETE FROM team_limits WHERE team_id = ?"));
  TRY(remove.bind(team_id).run());
  if (usd_ticks) {
    Statement insert = TRY(connection.prepare("INSERT INTO team_limits VALUES (?, ?)"));
    TRY(insert.bind(team_id, *usd_ticks).run());
  }
  TRY(append_audit(connection, deed, clock_.unix_ms(), audit_secret_));
  return transaction.commit();
}

}  // namespace imagined::storage
