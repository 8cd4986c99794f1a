#include "storage/sqlite/sqlite_history.h"

#include <fmt/core.h>

#include <array>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_rows.h"

namespace imagined::storage {
namespace {

using service::HistoryQuery;
using service::Outcome;

// As storage/codec writes every kind of payload; empty where a job has none that can be read.
constexpr std::string_view kPrompt =
    "CASE WHEN json_valid(payload) THEN coalesce(json_extract(payload, '$.prompt'), '') ELSE '' "
    "END";
// A clip is paid for by the second.
constexpr std::string_view kPrice =
    "CASE kind WHEN 'videos' THEN coalesce((SELECT cost_usd_ticks FROM charges WHERE charges.id = "
    "jobs.id), 0) ELSE price_usd_ticks END";
constexpr std::string_view kCount =
    "CASE WHEN json_valid(payload) THEN coalesce(json_extract(payload, '$.count'), 1) ELSE 1 END";

constexpr std::array kBlocked = {Outcome::prompt_blocked, Outcome::picture_blocked};

}  // namespace

Result<std::vector<service::MadePicture>> SqliteHistory::pictures(const HistoryQuery& query) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(connection.prepare(fmt::format(
      "SELECT {}, org_id, team_id, key_id, model, prompt, price FROM pictures "
      "JOIN (SELECT id AS ordered, org_id, team_id, key_id, model, {} AS price, "
      "{} AS prompt FROM jobs) ON ordered = job_id "
      "WHERE org_id = ?1 AND team_id = ?2 AND (?3 = '' OR instr(lower(prompt), lower(?3)) > 0) "
      "AND (?4 = '' OR (created_ms, id) < (SELECT created_ms, id FROM pictures WHERE id = ?4)) "
      "ORDER BY created_ms DESC, id DESC LIMIT ?5",
      kPictureColumns, kPrice, kPrompt)));
  rows.bind(query.org_id, query.team_id, query.words, query.before, query.count_max);
  std::vector<service::MadePicture> found;
  while (TRY(rows.step())) {
    service::StoredPicture picture = TRY(read_picture(rows));
    constexpr int kNext = kPictureColumnCount;
    found.push_back({.picture = std::move(picture),
                     .owner = {.org_id = rows.text(kNext),
                               .team_id = rows.text(kNext + 1),
                               .key_id = rows.text(kNext + 2)},
                     .model = rows.text(kNext + 3),
                     .prompt = rows.text(kNext + 4),
                     .usd_ticks = rows.integer(kNext + 5)});
  }
  return found;
}

Result<std::vector<service::MadeJob>> SqliteHistory::jobs(const HistoryQuery& query) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(connection.prepare(
      fmt::format("SELECT {0}, {1}, {2} FROM jobs WHERE org_id = ?1 AND team_id = ?2 "
                  "AND (?3 = '' OR instr(lower({1}), lower(?3)) > 0) "
                  "AND (?4 = '' OR sequence < (SELECT sequence FROM jobs WHERE id = ?4)) "
                  "ORDER BY sequence DESC LIMIT ?5",
                  kJobColumns, kPrompt, kCount)));
  rows.bind(query.org_id, query.team_id, query.words, query.before, query.count_max);
  std::vector<service::MadeJob> found;
  while (TRY(rows.step())) {
    service::Job job = TRY(read_job(rows));
    found.push_back({.job = std::move(job),
                     .prompt = rows.text(kJobColumnCount),
                     .pictures = static_cast<int>(rows.integer(kJobColumnCount + 1))});
  }
  return found;
}

Result<std::vector<service::BlockedRequest>> SqliteHistory::blocked(const HistoryQuery& query) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows =
      TRY(connection.prepare("SELECT created_ms, key_id, user, model, outcome, why FROM charges "
                             "WHERE org_id = ? AND team_id = ? AND outcome IN (?, ?) "
                             "ORDER BY created_ms DESC, id DESC LIMIT ?"));
  rows.bind(query.org_id, query.team_id, service::row_of(kBlocked[0]).name,
            service::row_of(kBlocked[1]).name, query.count_max);
  std::vector<service::BlockedRequest> found;
  while (TRY(rows.step())) {
    const bool of_prompt = rows.text(4) == service::row_of(kBlocked[0]).name;
    found.push_back({.at_ms = rows.integer(0),
                     .key_id = rows.text(1),
                     .user = rows.text(2),
                     .model = rows.text(3),
                     .outcome = kBlocked[of_prompt ? 0 : 1],
                     .why = rows.text(5)});
  }
  return found;
}

Result<void> SqliteHistory::rename_picture(std::string_view id, std::string_view new_id) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Statement rename = TRY(connection.prepare("UPDATE pictures SET id = ? WHERE id = ?"));
  TRY(rename.bind(new_id, id).run());
  if (connection.changed_count() == 0) return no_such("picture");
  return {};
}

}  // namespace imagined::storage
