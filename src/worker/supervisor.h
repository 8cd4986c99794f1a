// Keeps one worker process alive: starts it, hears from it, gives its jobs back when it dies, and
// starts it again.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "service/jobs/job_queue.h"
#include "service/ports/job_events.h"
#include "service/ports/worker_bell.h"
#include "service/ports/worker_pool.h"

namespace imagined::worker {

/// The bell that the domain rings, whichever worker process there is at the moment.
class WorkerSwitch final : public service::WorkerBell {
 public:
  void job_queued() override;
  void job_cancelled(std::string_view job_id) override;
  /// Null: nobody is there to hear.
  void connect(std::shared_ptr<service::WorkerBell> bell);

 private:
  std::shared_ptr<service::WorkerBell> current();

  std::mutex mutex_;
  std::shared_ptr<service::WorkerBell> bell_;
};

struct SupervisorOptions {
  std::filesystem::path executable;
  std::string config;                   // TOML for the worker
  std::function<void()> on_ready;       // each time a worker says so; from a thread of ours
  std::function<void(int)> on_give_up;  // the first worker ended before it was ready, with this
                                        // exit status: a restart would not help
};

/// The references must outlive it.
class Supervisor final : public service::WorkerPool {
 public:
  Supervisor(SupervisorOptions options, service::JobQueue& queue, service::JobEvents& events,
             WorkerSwitch& bell);
  ~Supervisor() override;

  void start();
  /// Ends the worker (politely at first) and returns when it has ended. Twice is harmless.
  void stop();

  bool is_ready() const override { return ready_; }
  /// While the worker is started again, its last models count as there.
  bool accepts(std::string_view model_id) const override;

 private:
  static constexpr int kFailuresMax = 5;  // starts in a row without a ready worker

  struct Child;

  void watch(std::stop_token stop);
  Result<std::unique_ptr<Child>> start_worker();
  void wait_for_end(Child& child, std::stop_token stop);
  void end_worker(Child& child);
  void after_end(const Child& child);

  const SupervisorOptions options_;
  service::JobQueue& queue_;
  service::JobEvents& events_;
  WorkerSwitch& bell_;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> was_ready_ = false;
  std::atomic<int> failures_ = 0;
  int config_fd_ = -1;
  mutable std::mutex models_mutex_;
  std::vector<std::string> models_;  // that the last ready worker had
  std::jthread thread_;
};

}  // namespace imagined::worker
