#pragma once

#include "service/ports/key_store.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

class SqliteKeyStore final : public service::KeyStore {
 public:
  /// The database must outlive the store.
  explicit SqliteKeyStore(SqliteDatabase& database) : database_(database) {}

  Result<void> insert(const service::ApiKey& key) override;
  Result<service::ApiKey> find(std::string_view id) override;
  Result<std::vector<service::ApiKey>> list() override;
  Result<void> remove(std::string_view id) override;
  Result<void> record_uses(std::span<const service::KeyUse> uses) override;

 private:
  SqliteDatabase& database_;
};

}  // namespace imagined::storage
