#include "storage/sqlite/audit_rows.h"

#include <algorithm>
#include <string>

#include "storage/sqlite/connection.h"

namespace imagined::storage {
namespace {

using service::AuditEvent;

struct Head {
  std::int64_t sequence = 0;
  std::string hash;
  std::string mac;
};

Result<Head> read_head(Connection& connection) {
  Statement row = TRY(connection.prepare("SELECT sequence, hash, mac FROM audit_head"));
  if (!TRY(row.step())) return Head();
  return Head{.sequence = row.integer(0), .hash = row.text(1), .mac = row.text(2)};
}

AuditEvent read_event(const Statement& row) {
  return {.sequence = row.integer(0),
          .at_ms = row.integer(1),
          .deed = {.actor = row.text(2),
                   .action = row.text(3),
                   .target = row.text(4),
                   .team_id = row.text(5),
                   .detail = row.text(6),
                   .request_id = row.text(7)},
          .hash = row.text(8)};
}

constexpr std::string_view kRows =
    "SELECT sequence, at_ms, actor, action, target, team_id, detail, request_id, hash FROM audit "
    "WHERE sequence >= ? ORDER BY sequence LIMIT ?";

}  // namespace

Result<void> append_audit(Connection& connection, const service::Deed& deed, std::int64_t at_ms,
                          std::string_view secret) {
  const Head head = TRY(read_head(connection));
  AuditEvent event{.sequence = head.sequence + 1, .at_ms = at_ms, .deed = deed};
  event.deed.detail.resize(std::min(event.deed.detail.size(), service::kAuditDetailBytesMax));
  event.hash = service::audit_hash(event, head.hash);
  Statement insert =
      TRY(connection.prepare("INSERT INTO audit (sequence, at_ms, actor, action, target, team_id, "
                             "detail, request_id, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  TRY(insert
          .bind(event.sequence, event.at_ms, event.deed.actor, event.deed.action, event.deed.target,
                event.deed.team_id, event.deed.detail, event.deed.request_id, event.hash)
          .run());
  Statement update = TRY(connection.prepare(
      "INSERT INTO audit_head (only, sequence, hash, mac) VALUES (1, ?, ?, ?) ON CONFLICT (only) "
      "DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, mac = excluded.mac"));
  return update
      .bind(event.sequence, event.hash, service::audit_head_mac(event.sequence, event.hash, secret))
      .run();
}

Result<std::vector<AuditEvent>> read_audit(Connection& connection, std::int64_t from_sequence,
                                           int count_max) {
  Statement rows = TRY(connection.prepare(kRows));
  rows.bind(from_sequence, count_max);
  std::vector<AuditEvent> events;
  while (TRY(rows.step())) events.push_back(read_event(rows));
  return events;
}

Result<std::int64_t> verify_audit(Connection& connection, std::string_view secret) {
  const Head head = TRY(read_head(connection));
  // A log that nobody has begun has no head.
  if (head.sequence == 0) return TRY(read_audit(connection, 0, 1)).empty() ? 0 : 1;
  service::AuditCheck check;
  Statement rows = TRY(connection.prepare(kRows));
  rows.bind(std::int64_t{0}, INT64_MAX);
  while (TRY(rows.step()) && check.next(read_event(rows))) {
  }
  check.end(head.sequence, head.mac, secret);
  return check.first_bad().value_or(0);
}

}  // namespace imagined::storage
