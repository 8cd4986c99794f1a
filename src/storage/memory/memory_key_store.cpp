#include "storage/memory/memory_key_store.h"

#include <algorithm>

namespace imagined::storage {

Result<void> MemoryKeyStore::insert(const service::ApiKey& key) {
  const std::lock_guard lock(mutex_);
  if (std::ranges::find(keys_, key.id, &service::ApiKey::id) != keys_.end())
    return fail(ErrorCode::already_exists, "it exists already");
  keys_.push_back(key);
  return {};
}

Result<service::ApiKey> MemoryKeyStore::find(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(keys_, id, &service::ApiKey::id);
  if (found == keys_.end()) return fail(ErrorCode::not_found, "no such key");
  return *found;
}

Result<std::vector<service::ApiKey>> MemoryKeyStore::list() {
  const std::lock_guard lock(mutex_);
  auto keys = keys_;
  std::ranges::stable_sort(keys, {}, &service::ApiKey::created_ms);
  return keys;
}

Result<void> MemoryKeyStore::remove(std::string_view id) {
  const std::lock_guard lock(mutex_);
  if (std::erase_if(keys_, [id](const service::ApiKey& key) { return key.id == id; }) == 0)
    return fail(ErrorCode::not_found, "no such key");
  return {};
}

Result<void> MemoryKeyStore::record_uses(std::span<const service::KeyUse> uses) {
  const std::lock_guard lock(mutex_);
  for (const service::KeyUse& use : uses) {
    const auto found = std::ranges::find(keys_, use.id, &service::ApiKey::id);
    if (found != keys_.end()) found->last_used_ms = use.used_ms;
  }
  return {};
}

}  // namespace imagined::storage
