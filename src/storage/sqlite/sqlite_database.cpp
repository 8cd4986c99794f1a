#include "storage/sqlite/sqlite_database.h"

#include "storage/sqlite/connection.h"
#include "storage/sqlite/schema.h"

namespace imagined::storage {

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const std::filesystem::path& file,
                                                             Role role) {
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase);
  const bool checkpoints = role == Role::server;
  const ConnectionOptions durable = {.durability = Durability::power_loss,
                                     .checkpoints = checkpoints};
  const ConnectionOptions crash_safe = {.durability = Durability::process_crash};
  database->power_safe_ = TRY(Connection::open(file, durable));
  TRY(migrate(*database->power_safe_));
  database->crash_safe_ = TRY(Connection::open(file, crash_safe));
  database->reader_ = TRY(Connection::open(file, crash_safe));
  return database;
}

SqliteDatabase::~SqliteDatabase() = default;

}  // namespace imagined::storage
