#include "storage/sqlite/sqlite_limit_store.h"

#include <vector>

#include "storage/sqlite/connection.h"

namespace imagined::storage {

using service::Draw;
using service::HitLog;
using service::Verdict;

namespace {

constexpr std::int64_t kForgetPerTake = 16;  // more than one take adds, so that the table drains

Result<HitLog> read_log(Connection& connection, const Draw& draw, std::int64_t now_ms) {
  Statement rows =
      TRY(connection.prepare("SELECT at_ms, units FROM limit_hits "
                             "WHERE bucket = ? AND at_ms > ? ORDER BY at_ms"));
  rows.bind(draw.bucket, now_ms - service::longest_window_ms(draw));
  HitLog log;
  while (TRY(rows.step())) log.add(rows.integer(0), rows.integer(1));
  return log;
}

/// Hits of before a restart of the machine lie in the future; of what no rule counts any more some
/// goes with each take.
Result<void> forget_some(Connection& connection, std::int64_t now_ms) {
  Statement future = TRY(connection.prepare("DELETE FROM limit_hits WHERE at_ms > ?"));
  TRY(future.bind(now_ms).run());
  Statement past =
      TRY(connection.prepare("DELETE FROM limit_hits WHERE sequence IN "
                             "(SELECT sequence FROM limit_hits WHERE ends_ms <= ? LIMIT ?)"));
  return past.bind(now_ms, kForgetPerTake).run();
}

Result<void> insert_hit(Connection& connection, const Draw& draw, std::int64_t now_ms) {
  Statement insert = TRY(connection.prepare(
      "INSERT INTO limit_hits (bucket, at_ms, units, ends_ms) VALUES (?, ?, ?, ?)"));
  return insert.bind(draw.bucket, now_ms, draw.units, now_ms + service::longest_window_ms(draw))
      .run();
}

}  // namespace

Result<Verdict> SqliteLimitStore::take(std::span<const Draw> draws) {
  Connection& connection = database_.crash_safe();  // a loss of power forgets a minute at most
  const auto lock = connection.lock();
  Transaction transaction = TRY(Transaction::begin(connection));
  const std::int64_t now_ms = clock_.monotonic_ms();  // under the write lock, so in order
  TRY(forget_some(connection, now_ms));
  std::vector<HitLog> logs;
  for (const Draw& draw : draws) logs.push_back(TRY(read_log(connection, draw, now_ms)));
  std::vector<const HitLog*> views;
  for (const HitLog& log : logs) views.push_back(&log);
  Verdict verdict = service::decide(draws, views, now_ms);
  if (!verdict.admitted) return verdict;
  for (const Draw& draw : draws)
    if (draw.units > 0) TRY(insert_hit(connection, draw, now_ms));
  TRY(transaction.commit());
  return verdict;
}

}  // namespace imagined::storage
