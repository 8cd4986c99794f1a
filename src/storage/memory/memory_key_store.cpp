#include "storage/memory/memory_key_store.h"

#include <algorithm>

namespace imagined::storage {

using service::ApiKey;
using service::AuditEvent;

ApiKey* MemoryKeyStore::find_row(std::string_view id) {
  const auto found = std::ranges::find(keys_, id, &ApiKey::id);
  return found == keys_.end() ? nullptr : &*found;
}

void MemoryKeyStore::append(const service::Deed& deed) {
  const std::lock_guard lock(mutex_);
  append_locked(deed);
}

void MemoryKeyStore::append_locked(const service::Deed& deed) {
  AuditEvent event{.sequence = static_cast<std::int64_t>(audit_.size()) + 1,
                   .at_ms = clock_.unix_ms(),
                   .deed = deed};
  event.hash = service::audit_hash(event, audit_.empty() ? "" : audit_.back().hash);
  audit_.push_back(std::move(event));
}

Result<void> MemoryKeyStore::insert(const ApiKey& key, const service::Deed& deed) {
  const std::lock_guard lock(mutex_);
  return insert_locked(key, deed);
}

Result<void> MemoryKeyStore::insert_first_owner(const ApiKey& key, const service::Deed& deed) {
  const std::lock_guard lock(mutex_);
  if (std::ranges::any_of(keys_, service::is_owner))
    return fail(ErrorCode::gone, "there is an owner already");
  return insert_locked(key, deed);
}

Result<void> MemoryKeyStore::insert_locked(const ApiKey& key, const service::Deed& deed) {
  if (find_row(key.id) != nullptr) return fail(ErrorCode::already_exists, "it exists already");
  if (std::ranges::any_of(keys_, [&](const ApiKey& other) { return is_namesake(key, other); }))
    return tl::unexpected(name_taken(key));
  keys_.push_back(key);
  append_locked(deed);
  return {};
}

Result<ApiKey> MemoryKeyStore::find(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const ApiKey* row = find_row(id);
  if (row == nullptr) return fail(ErrorCode::not_found, "no such key");
  return *row;
}

Result<std::vector<ApiKey>> MemoryKeyStore::list() {
  const std::lock_guard lock(mutex_);
  std::vector<ApiKey> keys = keys_;
  std::ranges::stable_sort(keys, {}, &ApiKey::created_ms);
  return keys;
}

Result<void> MemoryKeyStore::update(const ApiKey& before, const ApiKey& after,
                                    const service::Deed& deed) {
  const std::lock_guard lock(mutex_);
  ApiKey* row = find_row(after.id);
  if (row == nullptr) return fail(ErrorCode::not_found, "no such key");
  ApiKey expected = before;
  expected.last_used_ms = row->last_used_ms;
  if (*row != expected)
    return fail(ErrorCode::aborted, "the key was changed by somebody else in the meantime");
  const std::int64_t last_used_ms = row->last_used_ms;
  *row = after;
  row->last_used_ms = last_used_ms;
  append_locked(deed);
  return {};
}

Result<void> MemoryKeyStore::record_uses(std::span<const service::KeyUse> uses) {
  const std::lock_guard lock(mutex_);
  for (const service::KeyUse& use : uses)
    if (ApiKey* row = find_row(use.id)) row->last_used_ms = use.used_ms;
  return {};
}

Result<std::vector<AuditEvent>> MemoryKeyStore::audit(std::int64_t from_sequence, int count_max) {
  const std::lock_guard lock(mutex_);
  std::vector<AuditEvent> events;
  for (const AuditEvent& event : audit_) {
    if (event.sequence >= from_sequence && std::ssize(events) < count_max) events.push_back(event);
  }
  return events;
}

Result<std::int64_t> MemoryKeyStore::verify_audit() {
  const std::lock_guard lock(mutex_);
  service::AuditCheck check;
  for (const AuditEvent& event : audit_) check.next(event);
  return check.first_bad().value_or(0);
}

}  // namespace imagined::storage
