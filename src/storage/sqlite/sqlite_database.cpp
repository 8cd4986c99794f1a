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
  const ConnectionOptions hasty = {.durability = Durability::process_crash};
  database->writer_ = TRY(Connection::open(file, durable));
  TRY(migrate(*database->writer_));
  database->hasty_ = TRY(Connection::open(file, hasty));
  database->reader_ = TRY(Connection::open(file, hasty));
  return database;
}

SqliteDatabase::~SqliteDatabase() = default;

}  // namespace imagined::storage
