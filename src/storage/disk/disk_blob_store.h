#pragma once

#include <filesystem>
#include <memory>

#include "service/ports/blob_store.h"

namespace imagined::storage {

/// Blobs as files: `<folder>/<first two hex digits>/<sha-256 hex>`. Several processes may share the
/// folder. A file under its final name is always whole: it is written under another name in the
/// same folder, synced, renamed, and the folder synced.
class DiskBlobStore final : public service::BlobStore {
 public:
  /// Makes the folder when it is not there.
  static Result<std::unique_ptr<DiskBlobStore>> open(const std::filesystem::path& folder);

  Result<std::string> put(std::span<const std::uint8_t> bytes) override;
  Result<std::vector<std::uint8_t>> get(std::string_view hash) override;

 private:
  explicit DiskBlobStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path folder_;
};

}  // namespace imagined::storage
