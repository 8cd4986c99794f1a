#include "storage/memory/memory_blob_store.h"

#include "base/crypto.h"

namespace imagined::storage {
namespace {

class MemoryWriter final : public service::BlobWriter {
 public:
  explicit MemoryWriter(MemoryBlobStore& store) : store_(store) {}

  Result<void> append(std::span<const std::uint8_t> bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return {};
  }
  Result<std::string> finish() override { return store_.put(bytes_); }

 private:
  MemoryBlobStore& store_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

Result<std::string> MemoryBlobStore::put(std::span<const std::uint8_t> bytes) {
  std::string hash = to_hex(sha256(bytes));
  const std::lock_guard lock(mutex_);
  blobs_[hash] = {.bytes = {bytes.begin(), bytes.end()}, .put_ms = clock_.unix_ms()};
  return hash;
}

Result<std::unique_ptr<service::BlobWriter>> MemoryBlobStore::begin_put() {
  return std::unique_ptr<service::BlobWriter>(std::make_unique<MemoryWriter>(*this));
}

Result<std::vector<std::uint8_t>> MemoryBlobStore::get(std::string_view hash) {
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(hash);
  if (found == blobs_.end()) return fail(ErrorCode::not_found, "no such blob");
  return found->second.bytes;
}

Result<std::vector<service::BlobEntry>> MemoryBlobStore::list(std::string_view after,
                                                              int count_max) {
  const std::lock_guard lock(mutex_);
  std::vector<service::BlobEntry> entries;
  for (auto each = blobs_.upper_bound(after); each != blobs_.end(); ++each) {
    if (std::ssize(entries) == count_max) break;
    entries.push_back({.hash = each->first,
                       .put_ms = each->second.put_ms,
                       .size_bytes = std::ssize(each->second.bytes)});
  }
  return entries;
}

Result<bool> MemoryBlobStore::remove(std::string_view hash, std::int64_t before_ms) {
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(hash);
  if (found == blobs_.end() || found->second.put_ms >= before_ms) return false;
  blobs_.erase(found);
  return true;
}

}  // namespace imagined::storage
