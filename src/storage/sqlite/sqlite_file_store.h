#pragma once

#include "service/ports/file_store.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

class SqliteFileStore final : public service::FileStore {
 public:
  /// The database must outlive the store.
  explicit SqliteFileStore(SqliteDatabase& database) : database_(database) {}

  Result<void> insert(const service::StoredFile& file, std::int64_t files_max) override;
  Result<service::StoredFile> find(std::string_view id) override;
  Result<std::vector<service::StoredFile>> list(const service::FileQuery& query) override;
  Result<bool> publish(std::string_view id, std::string_view public_name,
                       std::int64_t until_ms) override;
  Result<service::StoredFile> find_public(std::string_view public_name) override;
  Result<bool> remove(std::string_view id) override;
  Result<int> remove_expired(std::int64_t unix_ms, int count_max) override;

 private:
  SqliteDatabase& database_;
};

}  // namespace imagined::storage
