#include "storage/sqlite/sqlite_archive.h"

#include <fmt/format.h>

#include <limits>

#include "storage/codec/job_payload.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_rows.h"

namespace imagined::storage {

using service::StoredPicture;

Result<std::vector<StoredPicture>> SqliteArchive::pictures(std::string_view job_id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows = TRY(connection.prepare(
      fmt::format("SELECT {} FROM pictures WHERE job_id = ? ORDER BY position", kPictureColumns)));
  rows.bind(job_id);
  std::vector<StoredPicture> pictures;
  while (TRY(rows.step())) pictures.push_back(TRY(read_picture(rows)));
  return pictures;
}

Result<StoredPicture> SqliteArchive::find_picture(std::string_view picture_id) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row =
      TRY(connection.prepare(fmt::format("SELECT {} FROM pictures WHERE id = ?", kPictureColumns)));
  if (!TRY(row.bind(picture_id).step())) return no_such("picture");
  return read_picture(row);
}

Result<std::vector<service::OwnedPicture>> SqliteArchive::find_pictures(
    const service::PictureFilter& filter) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  // The id of a picture that is gone leads to nothing, and nothing stands behind it.
  Statement rows = TRY(connection.prepare(fmt::format(
      "SELECT {}, org_id, team_id, key_id, model FROM pictures "
      "JOIN (SELECT id AS ordered, org_id, team_id, key_id, model FROM jobs) ON ordered = job_id "
      "WHERE (?1 = '' OR key_id = ?1) AND created_ms >= ?2 AND created_ms < ?3 "
      "AND (?4 = '' OR (created_ms, id) > (SELECT created_ms, id FROM pictures WHERE id = ?4)) "
      "ORDER BY created_ms, id LIMIT ?5",
      kPictureColumns)));
  rows.bind(filter.key_id, filter.from_ms, filter.until_ms, filter.after, filter.count_max);
  std::vector<service::OwnedPicture> found;
  while (TRY(rows.step())) {
    StoredPicture picture = TRY(read_picture(rows));
    found.push_back({.picture = std::move(picture),
                     .owner = {.org_id = rows.text(kPictureColumnCount),
                               .team_id = rows.text(kPictureColumnCount + 1),
                               .key_id = rows.text(kPictureColumnCount + 2)},
                     .model = rows.text(kPictureColumnCount + 3)});
  }
  return found;
}

Result<void> SqliteArchive::remove_picture(std::string_view picture_id) {
  Connection& connection = database_.power_safe();
  const auto lock = connection.lock();
  Statement remove = TRY(connection.prepare("DELETE FROM pictures WHERE id = ?"));
  TRY(remove.bind(picture_id).run());
  if (connection.changed_count() == 0) return no_such("picture");
  return {};
}

/// One statement, one transaction. Not synced: what a loss of power brings back is removed again.
Result<int> SqliteArchive::change(std::string_view sql, std::int64_t before_ms, int count_max) {
  Connection& connection = database_.crash_safe();
  const auto lock = connection.lock();
  Statement statement = TRY(connection.prepare(sql));
  TRY(statement.bind(before_ms, count_max).run());
  return static_cast<int>(connection.changed_count());
}

Result<int> SqliteArchive::remove_pictures(std::int64_t before_ms, int count_max) {
  return change(
      "DELETE FROM pictures WHERE id IN (SELECT id FROM pictures WHERE created_ms < ? "
      "ORDER BY created_ms LIMIT ?)",
      before_ms, count_max);
}

Result<int> SqliteArchive::remove_jobs(std::int64_t before_ms, int count_max) {
  return change(
      "DELETE FROM jobs WHERE sequence IN (SELECT sequence FROM jobs "
      "WHERE state NOT IN ('queued', 'running') AND finished_ms < ? "
      "AND NOT EXISTS (SELECT 1 FROM pictures WHERE job_id = jobs.id) "
      "ORDER BY finished_ms LIMIT ?)",
      before_ms, count_max);
}

Result<int> SqliteArchive::free_idempotency_keys(std::int64_t before_ms, int count_max) {
  return change(
      "UPDATE jobs SET idempotency_key = '' WHERE sequence IN (SELECT sequence FROM jobs "
      "WHERE idempotency_key <> '' AND created_ms < ? LIMIT ?)",
      before_ms, count_max);
}

Result<std::int64_t> SqliteArchive::running_since_ms() {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement row =
      TRY(connection.prepare("SELECT min(started_ms) FROM jobs "
                             "WHERE state IN ('queued', 'running') AND state = 'running'"));
  TRY(row.step());
  return row.is_null(0) ? std::numeric_limits<std::int64_t>::max() : row.integer(0);
}

Result<std::vector<std::string>> SqliteArchive::orphans(std::span<const std::string> blobs) {
  Connection& connection = database_.reader();
  const auto lock = connection.lock();
  Statement rows =
      TRY(connection.prepare("SELECT value FROM json_each(?) WHERE NOT EXISTS "
                             "(SELECT 1 FROM pictures WHERE blob = value) AND NOT EXISTS "
                             "(SELECT 1 FROM files WHERE blob = value) AND NOT EXISTS "
                             "(SELECT 1 FROM job_inputs JOIN jobs ON jobs.id = job_inputs.job_id "
                             "WHERE blob = value AND state IN ('queued', 'running'))"));
  rows.bind(encode_texts(blobs));
  std::vector<std::string> orphans;
  while (TRY(rows.step())) orphans.push_back(rows.text(0));
  return orphans;
}

}  // namespace imagined::storage
