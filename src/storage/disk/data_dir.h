// The folder that holds all state of a server.
//
//   lock           held by the running server
//   imagined.db    jobs, keys, pictures (SQLite, with -wal and -shm beside it)
//   blobs/         files of pictures, named by content
//   *.secret       random secrets that must not lie in the database
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::storage {

class DataDir {
 public:
  /// Makes the folder (only its owner may enter) when it is not there, and takes others' rights to
  /// what is in one that was. `failed_precondition` when
  /// it cannot be made or written.
  static Result<DataDir> open(const std::filesystem::path& path);

  /// Whether there is a database in this folder.
  static bool is_made(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path database() const { return path_ / "imagined.db"; }
  std::filesystem::path blobs() const { return path_ / "blobs"; }

  /// 32 random bytes in hex, from `<name>.secret`; made at the first call, mode 0600. Two processes
  /// that call at the same time get the same. `failed_precondition` for a file that is empty, too
  /// short or readable by others.
  Result<std::string> secret(std::string_view name) const;

 private:
  explicit DataDir(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

/// Only one server at a time may use a data directory; commands such as `keys create` need no lock.
/// The kernel drops it when the process ends, however it ends. Its file says which process it is.
class DataDirLock {
 public:
  /// `failed_precondition`, "another imagined server is using this data directory: pid 123".
  static Result<DataDirLock> acquire(const DataDir& dir);
  /// Who holds the lock of a folder, "pid 123"; none when nobody does, or it is not there.
  static std::optional<std::string> holder(const std::filesystem::path& data_dir);
  ~DataDirLock();
  DataDirLock(DataDirLock&& other) noexcept;
  DataDirLock& operator=(DataDirLock&&) = delete;

 private:
  explicit DataDirLock(int fd) : fd_(fd) {}

  int fd_;  // close-on-exec, so that workers do not hold it
};

}  // namespace imagined::storage
