#include "storage/memory/memory_file_store.h"

#include <algorithm>

namespace imagined::storage {

using service::StoredFile;

Result<void> MemoryFileStore::insert(const StoredFile& file, std::int64_t files_max) {
  const std::lock_guard lock(mutex_);
  if (files_.contains(file.id)) return fail(ErrorCode::already_exists, "it exists already");
  const auto count = std::ranges::count_if(files_, [&](const auto& entry) {
    return entry.second.owner.org_id == file.owner.org_id &&
           entry.second.owner.team_id == file.owner.team_id;
  });
  TRY(service::check_file_count(count, files_max));
  files_[file.id] = file;
  return {};
}

Result<StoredFile> MemoryFileStore::find(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(id);
  if (found == files_.end()) return fail(ErrorCode::not_found, "no such file");
  return found->second;
}

Result<std::vector<StoredFile>> MemoryFileStore::list(const service::FileQuery& query) {
  const std::lock_guard lock(mutex_);
  std::vector<StoredFile> page;
  const auto take = [&](const StoredFile& file) {
    if (std::ssize(page) >= query.count_max) return;
    if (file.owner.org_id != query.org_id || file.owner.team_id != query.team_id) return;
    if (file.expires_ms > 0 && file.expires_ms <= query.unix_ms) return;
    const bool is_behind = query.newest_first ? file.id < query.after : file.id > query.after;
    if (query.after.empty() || is_behind) page.push_back(file);
  };
  if (query.newest_first)
    for (auto at = files_.rbegin(); at != files_.rend(); ++at) take(at->second);
  else
    for (const auto& [id, file] : files_) take(file);
  return page;
}

Result<bool> MemoryFileStore::publish(std::string_view id, std::string_view public_name,
                                      std::int64_t until_ms) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(id);
  if (found == files_.end()) return false;
  found->second.public_name = public_name;
  found->second.public_until_ms = until_ms;
  return true;
}

Result<StoredFile> MemoryFileStore::find_public(std::string_view public_name) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(files_, [&](const auto& entry) {
    return !public_name.empty() && entry.second.public_name == public_name;
  });
  if (found == files_.end()) return fail(ErrorCode::not_found, "no such file");
  return found->second;
}

Result<bool> MemoryFileStore::remove(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(id);
  if (found == files_.end()) return false;
  files_.erase(found);
  return true;
}

Result<int> MemoryFileStore::remove_expired(std::int64_t unix_ms, int count_max) {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::erase_if(files_, [&](const auto& entry) {
    const std::int64_t expires_ms = entry.second.expires_ms;
    return expires_ms > 0 && expires_ms <= unix_ms && count_max-- > 0;
  }));
}

bool MemoryFileStore::names(std::string_view blob) {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(files_, [&](const auto& entry) { return entry.second.blob == blob; });
}

}  // namespace imagined::storage
