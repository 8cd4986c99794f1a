#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/files/file.h"

namespace imagined::service {

/// A page of a team's files.
struct FileQuery {
  std::string_view org_id;
  std::string_view team_id;
  std::string_view after;  // the last id of the page before; empty: from the first on
  bool newest_first = true;
  std::int64_t unix_ms = 0;  // what has expired by then is left out
  int count_max = 100;
};

/// Files of customers, by id. Thread-safe; calls block; any may fail with `unavailable`,
/// `storage_full`, `data_loss`.
class FileStore {
 public:
  virtual ~FileStore() = default;

  /// `already_exists` for a file of this id; as `check_file_count` when the team has `files_max`
  /// already, the expired ones too.
  virtual Result<void> insert(const StoredFile& file, std::int64_t files_max) = 0;
  /// `not_found`. Expired ones are found until they are removed.
  virtual Result<StoredFile> find(std::string_view id) = 0;
  virtual Result<std::vector<StoredFile>> list(const FileQuery& query) = 0;
  /// By which name anybody finds it from now on, and until when; an empty name: nobody does any
  /// more. Whether the file was there.
  virtual Result<bool> publish(std::string_view id, std::string_view public_name,
                               std::int64_t until_ms) = 0;
  /// `not_found`. One whose time is over is found until it is removed.
  virtual Result<StoredFile> find_public(std::string_view public_name) = 0;
  /// Whether it was there. Its bytes are then an orphan.
  virtual Result<bool> remove(std::string_view id) = 0;
  /// Removes up to `count_max` that have expired by `unix_ms`; how many.
  virtual Result<int> remove_expired(std::int64_t unix_ms, int count_max) = 0;
};

}  // namespace imagined::service
