// One SQLite file, opened with our settings and brought to our schema; shared by the stores of a
// process. Several processes may open the same file.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "storage/sqlite/commit_group.h"

namespace imagined::storage {

class Connection;

class SqliteDatabase {
 public:
  enum class Role {
    server,  // also moves the log into the database file (checkpoints)
    worker,  // never does: one checkpointing process per file (connection.cpp says why)
  };

  /// Creates the file and brings an older schema up to date. `failed_precondition` when the file
  /// was written by a newer program or is no database of ours; `unavailable` when it is locked for
  /// more than 5 s; `data_loss` when it is broken.
  static Result<std::unique_ptr<SqliteDatabase>> open(const std::filesystem::path& file,
                                                      Role role = Role::server);
  /// Writes what is in `from` at this moment, though others write there, to the new file `to`.
  /// `data_loss` when the copy is not sound; nothing but `to` is written.
  static Result<void> copy(const std::filesystem::path& from, const std::filesystem::path& to);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  // For the stores of this folder.
  Connection& power_safe() { return *power_safe_; }  // durable against loss of power
  Connection& crash_safe() { return *crash_safe_; }  // durable against a crash of the process only
  Connection& reader() { return *reader_; }
  CommitGroup& group() { return *group_; }  // durable against loss of power, many in one commit

 private:
  SqliteDatabase() = default;

  std::unique_ptr<Connection> power_safe_;
  std::unique_ptr<Connection> crash_safe_;
  std::unique_ptr<Connection> reader_;
  std::unique_ptr<Connection> log_;
  std::unique_ptr<CommitGroup> group_;  // last: it uses two of the above
};

}  // namespace imagined::storage
