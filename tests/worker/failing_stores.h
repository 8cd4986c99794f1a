// Stores that fail on the n-th call: what is written must survive each.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "service/ports/blob_store.h"
#include "service/ports/job_store.h"

namespace imagined::worker {

/// Counts calls; one of them fails.
class Fault {
 public:
  /// The call with number `nth`, counted from zero, fails with `error`; below zero: none.
  void arm(int nth, Error error) {
    error_ = std::move(error);
    calls_left_ = nth;
  }
  std::optional<Error> strike() {
    if (calls_left_ < 0 || calls_left_-- != 0) return std::nullopt;
    return error_;
  }

 private:
  std::atomic<int> calls_left_ = -1;
  Error error_;
};

class FailingBlobStore final : public service::BlobStore {
 public:
  FailingBlobStore(service::BlobStore& store, Fault& fault) : store_(store), fault_(fault) {}

  Result<std::string> put(std::span<const std::uint8_t> bytes) override {
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.put(bytes);
  }
  Result<void> check_room() override { return store_.check_room(); }
  Result<std::vector<std::uint8_t>> get(std::string_view hash) override { return store_.get(hash); }

 private:
  service::BlobStore& store_;
  Fault& fault_;
};

/// Fails in the calls that a worker makes; counts its heartbeats.
class FailingJobStore final : public service::JobStore {
 public:
  FailingJobStore(service::JobStore& store, Fault& fault) : store_(store), fault_(fault) {}

  std::atomic<int> heartbeat_count = 0;

  Result<void> insert_if_queue_below(const service::Job& job, std::int64_t limit) override {
    return store_.insert_if_queue_below(job, limit);
  }
  Result<std::optional<service::Job>> claim(std::string_view worker,
                                            std::int64_t lease_ms) override {
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.claim(worker, lease_ms);
  }
  Result<void> heartbeat(std::string_view id, std::string_view token,
                         std::int64_t lease_ms) override {
    ++heartbeat_count;
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.heartbeat(id, token, lease_ms);
  }
  Result<void> complete(std::string_view id, std::string_view token,
                        const std::vector<service::StoredPicture>& pictures) override {
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.complete(id, token, pictures);
  }
  Result<void> fail(std::string_view id, std::string_view token, const Error& reason) override {
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.fail(id, token, reason);
  }
  Result<void> release(std::string_view id, std::string_view token) override {
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.release(id, token);
  }
  Result<service::Job> find(std::string_view id) override {
    if (auto error = fault_.strike()) return tl::unexpected(std::move(*error));
    return store_.find(id);
  }
  Result<std::vector<service::Job>> requeue_or_fail(const service::Stranded& stranded,
                                                    int attempts_max) override {
    return store_.requeue_or_fail(stranded, attempts_max);
  }
  Result<service::Job> cancel(std::string_view id) override { return store_.cancel(id); }
  Result<std::vector<service::StoredPicture>> pictures(std::string_view id) override {
    return store_.pictures(id);
  }
  Result<service::StoredPicture> find_picture(std::string_view id) override {
    return store_.find_picture(id);
  }
  Result<std::int64_t> queued_count() override { return store_.queued_count(); }

 private:
  service::JobStore& store_;
  Fault& fault_;
};

}  // namespace imagined::worker
