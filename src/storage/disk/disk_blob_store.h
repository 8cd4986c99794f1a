#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "service/ports/blob_store.h"
#include "storage/disk/file.h"

namespace imagined::storage {

/// What a file system has, in bytes.
struct DiskSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;  // for an ordinary user
};

/// Blobs as files: `<folder>/<first hex digit>/<sha-256 hex>`. Several processes may share the
/// folder. A file under its final name is always whole: it is written under another name in the
/// same folder, synced, renamed, and the folder synced. When it was put last is its time of change;
/// a lock of the folder (flock) keeps a blob that is put anew from being removed as old.
///
/// The last 5 % of the disk (0.5 to 64 MiB) are a reserve: no new work is taken when it is touched,
/// and no blob goes beyond its half, so that the database beside it can still say what happened.
class DiskBlobStore final : public service::BlobStore {
 public:
  using MeasureSpace = std::function<Result<DiskSpace>(const std::filesystem::path&)>;

  /// Makes the folder when it is not there. `clock` must outlive the store. `measure` is for tests;
  /// empty: ask the system.
  static Result<std::unique_ptr<DiskBlobStore>> open(const std::filesystem::path& folder,
                                                     const Clock& clock, MeasureSpace measure = {});

  Result<std::string> put(std::span<const std::uint8_t> bytes) override;
  std::vector<Result<std::string>> put_all(
      std::span<const std::span<const std::uint8_t>> blobs) override;
  Result<std::unique_ptr<service::BlobWriter>> begin_put() override;
  Result<void> check_room() override;
  Result<std::vector<std::uint8_t>> get(std::string_view hash) override;
  Result<std::vector<service::BlobEntry>> list(std::string_view after, int count_max) override;
  Result<bool> remove(std::string_view hash, std::int64_t before_ms) override;
  Result<int> remove_leftovers(std::int64_t before_ms) override;

 private:
  class Writer;
  /// A blob on its way to its name.
  struct Begun {
    std::string hash;
    std::optional<File> file;         // that is not synced yet; none: the same bytes lay there
    std::filesystem::path temporary;  // its name until then
  };

  DiskBlobStore(std::filesystem::path folder, const Clock& clock, MeasureSpace measure)
      : folder_(std::move(folder)), clock_(clock), measure_(std::move(measure)) {}

  std::filesystem::path path_of(std::string_view hash) const;
  Result<void> check_room_for(std::size_t size_bytes) const;
  Result<Begun> begin(std::span<const std::uint8_t> bytes);
  Result<void> give_name(const Begun& begun) const;
  Result<bool> put_anew(std::string_view hash, std::span<const std::uint8_t> bytes);

  std::filesystem::path folder_;
  const Clock& clock_;
  MeasureSpace measure_;
};

}  // namespace imagined::storage
