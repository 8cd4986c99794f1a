#pragma once

#include "service/ports/archive.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

class SqliteArchive final : public service::Archive {
 public:
  /// The database must outlive the archive.
  explicit SqliteArchive(SqliteDatabase& database) : database_(database) {}

  Result<std::vector<service::StoredPicture>> pictures(std::string_view job_id) override;
  Result<service::StoredPicture> find_picture(std::string_view picture_id) override;
  Result<std::vector<service::OwnedPicture>> find_pictures(
      const service::PictureFilter& filter) override;
  Result<void> remove_picture(std::string_view picture_id) override;
  Result<int> remove_pictures(std::int64_t before_ms, int count_max) override;
  Result<int> remove_jobs(std::int64_t before_ms, int count_max) override;
  Result<int> free_idempotency_keys(std::int64_t before_ms, int count_max) override;
  Result<std::int64_t> running_since_ms() override;
  Result<std::vector<std::string>> orphans(std::span<const std::string> blobs) override;

 private:
  Result<int> change(std::string_view sql, std::int64_t before_ms, int count_max);

  SqliteDatabase& database_;
};

}  // namespace imagined::storage
