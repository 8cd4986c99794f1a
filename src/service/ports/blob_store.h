#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::service {

struct BlobEntry {
  std::string hash;
  std::int64_t put_ms = 0;  // when it was put last, unix milliseconds
  std::int64_t size_bytes = 0;
};

/// A blob that is not held in memory while it arrives. Destroyed before `finish`, it leaves
/// nothing.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  /// Errors as those of `BlobStore::put`.
  virtual Result<void> append(std::span<const std::uint8_t> bytes) = 0;
  /// The name, as from `BlobStore::put`. Once.
  virtual Result<std::string> finish() = 0;
};

/// Bytes named by their SHA-256 in hex. Thread-safe, and shared by processes; calls block.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  /// Returns the name once the bytes are safe against a loss of power; the same bytes twice are
  /// one blob, put anew: a damaged one is whole again. `storage_full` when there is no room,
  /// `unavailable` for other failures.
  virtual Result<std::string> put(std::span<const std::uint8_t> bytes) = 0;

  /// The same for several, which may wait for the disk together: what `put` returns for each.
  virtual std::vector<Result<std::string>> put_all(
      std::span<const std::span<const std::uint8_t>> blobs) {
    std::vector<Result<std::string>> names;
    for (const auto& bytes : blobs) names.push_back(put(bytes));
    return names;
  }

  /// The same in pieces.
  virtual Result<std::unique_ptr<BlobWriter>> begin_put() = 0;

  /// `storage_full` when so little room is left that no new work should be taken. There is still
  /// room then to end what has begun.
  virtual Result<void> check_room() = 0;

  /// `not_found`; `data_loss` when the bytes do not hash to their name: such bytes never come out;
  /// `unavailable` when it cannot be said.
  virtual Result<std::vector<std::uint8_t>> get(std::string_view hash) = 0;

  /// Up to `count_max` blobs in order of their names, from the first one behind `after`.
  virtual Result<std::vector<BlobEntry>> list(std::string_view after, int count_max) = 0;

  /// Removes a blob unless it was put at `before_ms` or later, so that one that is put anew while
  /// it is looked at stays. Whether it was removed; false too when it was not there.
  virtual Result<bool> remove(std::string_view hash, std::int64_t before_ms) = 0;

  /// Removes what processes that died in the middle of a `put` before `before_ms` have left; how
  /// many files.
  virtual Result<int> remove_leftovers(std::int64_t before_ms) = 0;
};

}  // namespace imagined::service
