// Stores that fail on the n-th call: what is written must survive each.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "contract/passing_blob_store.h"
#include "service/ports/job_store.h"

namespace imagined::worker {

/// Counts calls; some of them fail.
class Fault {
 public:
  /// `times` calls fail with `error`, from number `nth` on, counted from zero and from now.
  void arm(int nth, Error error, int times = 1) {
    const std::lock_guard lock(mutex_);
    calls_ = 0;
    first_ = nth;
    last_ = nth + times - 1;
    error_ = std::move(error);
  }
  void disarm() { arm(0, {}, 0); }

  std::optional<Error> strike() {
    const std::lock_guard lock(mutex_);
    const int call = calls_++;
    if (call < first_ || call > last_) return std::nullopt;
    return error_;
  }

 private:
  std::mutex mutex_;
  int calls_ = 0;
  int first_ = 0;
  int last_ = -1;
  Error error_;
};

class FailingBlobStore final : public PassingBlobStore {
 public:
  FailingBlobStore(service::BlobStore& store, Fault& fault)
      : PassingBlobStore(store), fault_(fault) {}

  Result<std::string> put(std::span<const std::uint8_t> bytes) override {
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return PassingBlobStore::put(bytes);
  }

 private:
  Fault& fault_;
};

/// Fails in the calls that a worker makes, and its rescuers; counts those that look after leases.
class FailingJobStore final : public service::JobStore {
 public:
  FailingJobStore(service::JobStore& store, Fault& fault) : store_(store), fault_(fault) {}

  std::atomic<int> claims = 0;
  std::atomic<int> looks = 0;      // after leases
  std::atomic<int> prolonged = 0;  // leases
  std::atomic<int> failures = 0;   // of jobs, told

  Result<service::Job> insert(const service::NewJob& wanted) override {
    return store_.insert(wanted);
  }
  Result<std::optional<service::Job>> find_keyed(std::string_view team, std::string_view key,
                                                 std::string_view hash) override {
    return store_.find_keyed(team, key, hash);
  }
  Result<std::optional<service::ClaimedJob>> claim(const service::Claim& claim) override {
    ++claims;
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.claim(claim);
  }
  Result<std::vector<service::Lease>> lost(std::span<const service::Lease> leases) override {
    ++looks;
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.lost(leases);
  }
  Result<void> prolong(std::span<const service::Lease> leases, std::int64_t lease_ms) override {
    prolonged += static_cast<int>(leases.size());
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.prolong(leases, lease_ms);
  }
  std::vector<Result<void>> complete_all(
      std::span<const service::Completion> completions) override {
    if (auto error = fault_.strike())
      return std::vector<Result<void>>(completions.size(), tl::unexpected(*error));
    return store_.complete_all(completions);
  }
  Result<void> fail(const service::Lease& lease, const Error& reason) override {
    ++failures;
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.fail(lease, reason);
  }
  Result<void> release(const service::Lease& lease) override {
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.release(lease);
  }
  Result<service::Job> cancel(std::string_view id) override { return store_.cancel(id); }
  Result<service::Job> give_up(std::string_view id, service::EndedBy by) override {
    return store_.give_up(id, by);
  }
  Result<std::vector<service::Job>> rescue(const service::Stranded& stranded) override {
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.rescue(stranded);
  }
  Result<std::vector<service::Job>> end_overdue() override { return store_.end_overdue(); }
  Result<service::QueuePace> pace() override { return store_.pace(); }
  Result<service::Job> find(std::string_view id) override { return store_.find(id); }
  Result<service::JobPayload> payload(std::string_view id) override { return store_.payload(id); }
  Result<std::vector<service::Job>> find_all(std::span<const std::string> ids) override {
    return store_.find_all(ids);
  }

 private:
  service::JobStore& store_;
  Fault& fault_;
};

}  // namespace imagined::worker
