#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "service/ports/blob_store.h"

namespace imagined::storage {

/// Blobs in memory, for tests.
class MemoryBlobStore final : public service::BlobStore {
 public:
  explicit MemoryBlobStore(const Clock& clock) : clock_(clock) {}

  Result<std::string> put(std::span<const std::uint8_t> bytes) override;
  Result<std::unique_ptr<service::BlobWriter>> begin_put() override;
  Result<void> check_room() override { return {}; }
  Result<std::vector<std::uint8_t>> get(std::string_view hash) override;
  Result<std::vector<service::BlobEntry>> list(std::string_view after, int count_max) override;
  Result<bool> remove(std::string_view hash, std::int64_t before_ms) override;
  Result<int> remove_leftovers(std::int64_t) override { return 0; }

 private:
  struct Blob {
    std::vector<std::uint8_t> bytes;
    std::int64_t put_ms = 0;
  };

  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Blob, std::less<>> blobs_;
};

}  // namespace imagined::storage
