#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "service/ports/blob_store.h"

namespace imagined {

/// Hands every call on to a store, for a test to change one thing.
class PassingBlobStore : public service::BlobStore {
 public:
  explicit PassingBlobStore(service::BlobStore& store) : store_(store) {}

  Result<std::string> put(std::span<const std::uint8_t> bytes) override {
    return store_.put(bytes);
  }
  Result<std::unique_ptr<service::BlobWriter>> begin_put() override { return store_.begin_put(); }
  Result<void> check_room() override { return store_.check_room(); }
  Result<std::vector<std::uint8_t>> get(std::string_view hash) override { return store_.get(hash); }
  Result<std::vector<service::BlobEntry>> list(std::string_view after, int count_max) override {
    return store_.list(after, count_max);
  }
  Result<bool> remove(std::string_view hash, std::int64_t before_ms) override {
    return store_.remove(hash, before_ms);
  }
  Result<int> remove_leftovers(std::int64_t before_ms) override {
    return store_.remove_leftovers(before_ms);
  }

 private:
  service::BlobStore& store_;
};

}  // namespace imagined
