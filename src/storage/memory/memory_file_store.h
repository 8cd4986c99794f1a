#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "service/ports/file_store.h"

namespace imagined::storage {

/// Files of customers in memory, for tests.
class MemoryFileStore final : public service::FileStore {
 public:
  Result<void> insert(const service::StoredFile& file, std::int64_t files_max) override;
  Result<service::StoredFile> find(std::string_view id) override;
  Result<std::vector<service::StoredFile>> list(const service::FileQuery& query) override;
  Result<bool> publish(std::string_view id, std::string_view public_name,
                       std::int64_t until_ms) override;
  Result<service::StoredFile> find_public(std::string_view public_name) override;
  Result<bool> remove(std::string_view id) override;
  Result<int> remove_expired(std::int64_t unix_ms, int count_max) override;

  bool names(std::string_view blob);

 private:
  std::mutex mutex_;
  std::map<std::string, service::StoredFile, std::less<>> files_;  // by id, in order of time
};

}  // namespace imagined::storage
