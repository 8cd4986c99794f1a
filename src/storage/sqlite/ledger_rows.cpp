#include "storage/sqlite/ledger_rows.h"

#include <fmt/core.h>

#include <utility>

#include "storage/sqlite/connection.h"

namespace imagined::storage {
namespace {

using service::Amount;
using service::Charge;
using service::Entry;
using service::QuotaPeriod;

constexpr std::string_view kChargeColumns =
    "id, org_id, team_id, key_id, user, model, per_picture_usd_ticks, once_usd_ticks, pictures, "
    "policy, created_ms, outcome, paid_pictures, is_words";

struct StoredCharge {
  Charge charge;
  bool is_open = false;
  std::int64_t paid_pictures = 0;
  bool is_refunded = false;
};

Result<StoredCharge> find_charge(Connection& connection, std::string_view id) {
  Statement row =
      TRY(connection.prepare(fmt::format("SELECT {} FROM charges WHERE id = ?", kChargeColumns)));
  if (!TRY(row.bind(id).step())) return fail(ErrorCode::not_found, "no such charge");
  const auto policy = service::parse_charge_policy(row.text(9));
  if (!policy) return fail(ErrorCode::data_loss, "a stored charge is damaged");
  return StoredCharge{
      .charge = {.id = row.text(0),
                 .owner = {.org_id = row.text(1), .team_id = row.text(2), .key_id = row.text(3)},
                 .user = row.text(4),
                 .model = row.text(5),
                 .bill = {.per_picture_usd_ticks = row.integer(6),
                          .once_usd_ticks = row.integer(7)},
                 .pictures = row.integer(8),
                 .is_words = row.integer(13) != 0,
                 .policy = *policy,
                 .created_ms = row.integer(10)},
      .is_open = row.is_null(11),
      .paid_pictures = row.integer(12),
      .is_refunded = row.text(11) == service::row_of(service::Outcome::picture_lost).name};
}

Result<void> add_to_balance(Connection& connection, std::string_view account,
                            std::int64_t usd_ticks) {
  Statement update = TRY(connection.prepare(
      "INSERT INTO balances (account, usd_ticks) VALUES (?, ?) "
      "ON CONFLICT (account) DO UPDATE SET usd_ticks = usd_ticks + excluded.usd_ticks"));
  return update.bind(account, usd_ticks).run();
}

/// The one way in which money moves. Nothing is no entry.
Result<void> write_entry(Connection& connection, const Entry& entry) {
  if (entry.usd_ticks == 0) return {};
  Statement insert =
      TRY(connection.prepare("INSERT INTO ledger (charge_id, step, from_account, to_account, "
                             "usd_ticks, at_ms) VALUES (?, ?, ?, ?, ?, ?)"));
  TRY(insert
          .bind(entry.charge_id, service::to_string(entry.step), entry.from, entry.to,
                entry.usd_ticks, entry.at_ms)
          .run());
  TRY(add_to_balance(connection, entry.from, -entry.usd_ticks));
  return add_to_balance(connection, entry.to, entry.usd_ticks);
}

Result<Amount> read_spending(Connection& connection, std::string_view bucket,
                             std::string_view period) {
  Statement row = TRY(connection.prepare(
      "SELECT pictures, usd_ticks FROM spending WHERE bucket = ? AND period = ?"));
  if (!TRY(row.bind(bucket, period).step())) return Amount();
  return Amount{.pictures = row.integer(0), .usd_ticks = row.integer(1)};
}

/// In the day and the month in which it was ordered, whenever it ends.
Result<void> add_to_spending(Connection& connection, const Charge& charge, const Amount& amount) {
  if (amount == Amount()) return {};
  const std::string day = service::period_at(QuotaPeriod::day, charge.created_ms).name;
  const std::string month = service::period_at(QuotaPeriod::month, charge.created_ms).name;
  for (const std::string& bucket : service::spending_buckets(charge.owner, charge.user)) {
    Statement update = TRY(connection.prepare(
        "INSERT INTO spending (bucket, period, pictures, usd_ticks) "
        "VALUES (?1, ?2, ?4, ?5), (?1, ?3, ?4, ?5) "
        "ON CONFLICT (bucket, period) DO UPDATE SET pictures = pictures + excluded.pictures, "
        "usd_ticks = usd_ticks + excluded.usd_ticks"));
    TRY(update.bind(bucket, day, month, amount.pictures, amount.usd_ticks).run());
  }
  return {};
}

/// How a charge has ended.
struct End {
  std::string_view outcome;
  std::int64_t paid_pictures = 0;
  std::int64_t cost_usd_ticks = 0;
  std::int64_t at_ms = 0;
  std::string_view why = {};  // as Settlement's
};

/// Without an end it is open, and holds what was ordered.
Result<void> insert_charge(Connection& connection, const Charge& charge,
                           const std::optional<End>& end = {}) {
  Statement insert = TRY(connection.prepare(
      "INSERT INTO charges (id, org_id, team_id, key_id, user, model, per_picture_usd_ticks, "
      "once_usd_ticks, pictures, held_usd_ticks, policy, day, created_ms, outcome, paid_pictures, "
      "cost_usd_ticks, resolved_ms, why, is_words) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  const End so_far = end.value_or(End());
  return insert
      .bind(charge.id, charge.owner.org_id, charge.owner.team_id, charge.owner.key_id, charge.user,
            charge.model, charge.bill.per_picture_usd_ticks, charge.bill.once_usd_ticks,
            charge.pictures, end ? 0 : charge.ordered().usd_ticks,
            service::to_string(charge.policy),
            service::period_at(QuotaPeriod::day, charge.created_ms).name, charge.created_ms,
            end ? std::optional(end->outcome) : std::nullopt, so_far.paid_pictures,
            so_far.cost_usd_ticks, so_far.at_ms, so_far.why, charge.is_words ? 1 : 0)
      .run();
}

Result<void> check_quotas(Connection& connection, const service::Reservation& reservation) {
  const Charge& charge = reservation.charge;
  for (service::Quota quota : reservation.quotas) {
    if (quota.is_teams_month)
      quota = lowered(std::move(quota), TRY(read_team_limit(connection, charge.owner.team_id)));
    if (!quota.pictures && !quota.usd_ticks) continue;
    const std::string period = service::period_at(quota.period, charge.created_ms).name;
    const Amount used = TRY(read_spending(connection, quota.bucket, period));
    TRY(service::check_quota(quota, used, charge.ordered(), charge.created_ms));
  }
  return {};
}

}  // namespace

Result<void> reserve_charge(Connection& connection, const service::Reservation& reservation,
                            std::int64_t now_ms) {
  const Charge& charge = reservation.charge;
  TRY(check_quotas(connection, reservation));
  TRY(insert_charge(connection, charge));
  TRY(write_entry(connection, service::reserve_entry(charge, now_ms)));
  return add_to_spending(connection, charge, charge.ordered());
}

Result<std::int64_t> record_charge(Connection& connection, const service::Reservation& reservation,
                                   const service::Settlement& settlement, std::int64_t now_ms) {
  const Charge& charge = reservation.charge;
  TRY(check_quotas(connection, reservation));
  const std::int64_t paid = service::paid_pictures(charge, settlement);
  const std::int64_t cost = charge.bill.cost_usd_ticks(paid);
  TRY(insert_charge(connection, charge,
                    End{.outcome = service::row_of(settlement.outcome).name,
                        .paid_pictures = paid,
                        .cost_usd_ticks = cost,
                        .at_ms = now_ms,
                        .why = settlement.why}));
  TRY(write_entry(connection, service::reserve_entry(charge, now_ms)));
  for (const Entry& entry : service::resolve_entries(charge, paid, now_ms))
    TRY(write_entry(connection, entry));
  TRY(add_to_spending(connection, charge, {.pictures = charge.counted(paid), .usd_ticks = cost}));
  return cost;
}

Result<std::int64_t> resolve_charge(Connection& connection, std::string_view charge_id,
                                    const service::Settlement& settlement, std::int64_t now_ms) {
  const StoredCharge stored = TRY(find_charge(connection, charge_id));
  const Charge& charge = stored.charge;
  if (!stored.is_open)
    return fail(ErrorCode::failed_precondition, "the charge has been resolved before");
  const std::int64_t paid = service::paid_pictures(charge, settlement);
  for (const Entry& entry : service::resolve_entries(charge, paid, now_ms))
    TRY(write_entry(connection, entry));
  const std::int64_t cost = charge.bill.cost_usd_ticks(paid);
  TRY(add_to_spending(connection, charge,
                      {.pictures = charge.counted(paid - charge.pictures),
                       .usd_ticks = cost - charge.ordered().usd_ticks}));
  Statement update = TRY(
      connection.prepare("UPDATE charges SET outcome = ?, paid_pictures = ?, cost_usd_ticks = ?, "
                         "held_usd_ticks = 0, resolved_ms = ?, why = ? WHERE id = ?"));
  TRY(update
          .bind(service::row_of(settlement.outcome).name, paid, cost, now_ms, settlement.why,
                charge_id)
          .run());
  return cost;
}

Result<std::int64_t> refund_charge(Connection& connection, std::string_view charge_id,
                                   std::int64_t now_ms) {
  const StoredCharge stored = TRY(find_charge(connection, charge_id));
  if (stored.is_open)
    return fail(ErrorCode::failed_precondition, "the charge has not been resolved yet");
  if (stored.is_refunded)
    return fail(ErrorCode::failed_precondition, "the charge has been refunded before");
  const Entry entry = service::refund_entry(stored.charge, stored.paid_pictures, now_ms);
  TRY(write_entry(connection, entry));
  TRY(add_to_spending(
      connection, stored.charge,
      {.pictures = stored.charge.counted(-stored.paid_pictures), .usd_ticks = -entry.usd_ticks}));
  Statement update = TRY(connection.prepare(
      "UPDATE charges SET outcome = ?, paid_pictures = 0, cost_usd_ticks = 0 WHERE id = ?"));
  TRY(update.bind(service::row_of(service::Outcome::picture_lost).name, charge_id).run());
  return entry.usd_ticks;
}

Result<std::optional<std::int64_t>> read_team_limit(Connection& connection,
                                                    std::string_view team_id) {
  Statement row =
      TRY(connection.prepare("SELECT usd_ticks_per_month FROM team_limits WHERE team_id = ?"));
  if (!TRY(row.bind(team_id).step())) return std::optional<std::int64_t>();
  return std::optional(row.integer(0));
}

}  // namespace imagined::storage
