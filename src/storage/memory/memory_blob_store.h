#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "service/ports/blob_store.h"

namespace imagined::storage {

/// Blobs in memory, for tests.
class MemoryBlobStore final : public service::BlobStore {
 public:
  Result<std::string> put(std::span<const std::uint8_t> bytes) override;
  Result<void> check_room() override { return {}; }
  Result<std::vector<std::uint8_t>> get(std::string_view hash) override;

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<std::uint8_t>, std::less<>> blobs_;
};

}  // namespace imagined::storage
