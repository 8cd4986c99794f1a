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
  const ConnectionOptions crash_safe = {.durability = Durability::process_crash,
                                        .checkpoints = checkpoints};
  database->power_safe_ = TRY(Connection::open(file, durable));
  TRY(migrate(*database->power_safe_));
  database->crash_safe_ = TRY(Connection::open(file, crash_safe));
  database->reader_ = TRY(Connection::open(file, crash_safe));
  database->log_ = TRY(Connection::open(file, crash_safe));
  database->group_ = std::make_unique<CommitGroup>(*database->crash_safe_, *database->log_);
  return database;
}

Result<void> SqliteDatabase::copy(const std::filesystem::path& from,
                                  const std::filesystem::path& to) {
  const auto source = TRY(Connection::open_to_read(from));
  TRY(check_ours(*source));
  Statement copy = TRY(source->prepare("VACUUM INTO ?"));
  TRY(copy.bind(to.string()).run());
  const auto copied = TRY(Connection::open_to_read(to));
  Statement check = TRY(copied->prepare("PRAGMA quick_check(1)"));
  TRY(check.step());
  if (check.text(0) == "ok") return {};
  return fail(ErrorCode::data_loss, "the database is damaged", {}, check.text(0));
}

SqliteDatabase::~SqliteDatabase() = default;

}  // namespace imagined::storage
