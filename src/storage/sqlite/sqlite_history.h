#pragma once

#include "service/ports/history.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

class SqliteHistory final : public service::History {
 public:
  /// The database must outlive it.
  explicit SqliteHistory(SqliteDatabase& database) : database_(database) {}

  Result<std::vector<service::MadePicture>> pictures(const service::HistoryQuery& query) override;
  Result<std::vector<service::MadeJob>> jobs(const service::HistoryQuery& query) override;
  Result<std::vector<service::BlockedRequest>> blocked(const service::HistoryQuery& query) override;
  Result<void> rename_picture(std::string_view id, std::string_view new_id) override;

 private:
  SqliteDatabase& database_;
};

}  // namespace imagined::storage
