#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/accounts/owner.h"
#include "service/pictures/picture.h"

namespace imagined::service {

/// A picture and whose it is.
struct OwnedPicture {
  StoredPicture picture;
  Owner owner;
  std::string model;
};

/// Which pictures; an empty text is any.
struct PictureFilter {
  std::string key_id;
  std::int64_t from_ms = 0;
  std::int64_t until_ms = INT64_MAX;
  std::string after;  // the id of a picture: those behind it
  int count_max = 1000;
};

/// What jobs have left behind, and how it goes in the end. The same database as the JobStore, which
/// writes the pictures. Thread-safe; calls block; any may fail with `unavailable`, `storage_full`,
/// `data_loss`.
class Archive {
 public:
  virtual ~Archive() = default;

  /// In order of `index`; empty until the job has succeeded.
  virtual Result<std::vector<StoredPicture>> pictures(std::string_view job_id) = 0;
  /// `not_found`.
  virtual Result<StoredPicture> find_picture(std::string_view picture_id) = 0;

  /// Oldest first.
  virtual Result<std::vector<OwnedPicture>> find_pictures(const PictureFilter& filter) = 0;
  /// Removes one row; its bytes are then an orphan, unless another names them. `not_found`.
  virtual Result<void> remove_picture(std::string_view picture_id) = 0;

  /// Removes the rows of up to `count_max` pictures that were made before `before_ms`, oldest
  /// first; how many. Their bytes are then orphans.
  virtual Result<int> remove_pictures(std::int64_t before_ms, int count_max) = 0;
  /// Removes up to `count_max` jobs that ended before `before_ms` and have no pictures; how many.
  virtual Result<int> remove_jobs(std::int64_t before_ms, int count_max) = 0;
  /// Frees the idempotency keys of up to `count_max` jobs that were taken before `before_ms`; how
  /// many.
  virtual Result<int> free_idempotency_keys(std::int64_t before_ms, int count_max) = 0;

  /// When the job that has run longest was claimed, unix milliseconds; the end of time when none
  /// runs. What it has stored since is not in any row yet.
  virtual Result<std::int64_t> running_since_ms() = 0;
  /// Those of `blobs` that no row names.
  virtual Result<std::vector<std::string>> orphans(std::span<const std::string> blobs) = 0;
};

}  // namespace imagined::service
