#include "storage/memory/memory_blob_store.h"

#include "base/crypto.h"

namespace imagined::storage {

Result<std::string> MemoryBlobStore::put(std::span<const std::uint8_t> bytes) {
  std::string hash = to_hex(sha256(bytes));
  const std::lock_guard lock(mutex_);
  blobs_.try_emplace(hash, bytes.begin(), bytes.end());
  return hash;
}

Result<std::vector<std::uint8_t>> MemoryBlobStore::get(std::string_view hash) {
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(hash);
  if (found == blobs_.end()) return fail(ErrorCode::not_found, "no such blob");
  return found->second;
}

}  // namespace imagined::storage
