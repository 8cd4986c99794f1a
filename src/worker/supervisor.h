// Keeps one worker process alive: starts it, hears from it, gives its jobs back when it dies, and
// starts it again.
#pragma once

#include <sys/types.h>

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
#include "service/ports/job_events.h"
#include "service/ports/worker_bell.h"
#include "service/ports/worker_pool.h"
#include "worker/child.h"
#include "worker/wire.h"

namespace imagined::worker {

struct SupervisorOptions {
  std::filesystem::path executable;
  std::string config;                    // TOML for the worker
  std::vector<std::string> environment;  // of the worker, "NAME=value"
  // Whoever ends hangs up a moment before; whoever has not ended after it is made to.
  std::chrono::milliseconds hang_up_grace{1'000};
  std::chrono::milliseconds stop_patience{5'000};  // between a polite end and SIGKILL
};

/// Who wants to know; from threads of the supervisor.
struct SupervisorCallbacks {
  std::function<void()> on_ready;  // each time a worker says so
  /// A worker has ended by itself: its jobs are to be given to others. How many there were.
  std::function<Result<int>(const std::string& worker_id)> on_ended;
  /// The first worker ended before it was ready, with this exit status: a restart would not help.
  std::function<void(int)> on_give_up;
};

/// The pool and the bell of the domain, whichever worker process there is at the moment.
class Supervisor final : public service::WorkerPool, public service::WorkerBell {
 public:
  /// `events` must outlive it.
  Supervisor(SupervisorOptions options, service::JobEvents& events);
  ~Supervisor() override;

  void start(SupervisorCallbacks callbacks);
  /// Ends the worker (politely at first) and returns when it has ended. Twice is harmless.
  void stop();

  bool is_ready() const override { return ready_; }
  std::int64_t starts() const override { return starts_; }
  std::int64_t memory_bytes() const override;
  /// While the worker is started again, its last models count as there.
  bool accepts(std::string_view model_id) const override;
  std::optional<service::ModelReport> report(std::string_view model_id) const override;
  void job_queued() override;
  void job_cancelled(std::string_view job_id) override;

 private:
  static constexpr int kFailuresMax = 5;  // starts in a row without a ready worker

  struct Worker;

  void watch(const std::stop_token& stop);
  Result<std::shared_ptr<Worker>> try_to_start();
  Result<std::shared_ptr<Worker>> start_worker();
  Child::End wait_for_end(Worker& worker, const std::stop_token& stop);
  void hear_ready(Worker& worker, std::vector<service::ModelReport> models);
  void after_end(const Worker& worker, const Child::End& end);
  void connect(std::shared_ptr<ServerWire> wire);
  std::shared_ptr<ServerWire> wire();

  const SupervisorOptions options_;
  service::JobEvents& events_;
  SupervisorCallbacks callbacks_;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> was_ready_ = false;
  std::atomic<int> failures_ = 0;
  std::atomic<std::int64_t> starts_ = 0;
  std::atomic<pid_t> pid_ = 0;  // of the worker; 0: there is none
  int config_fd_ = -1;
  mutable std::mutex mutex_;
  std::vector<service::ModelReport> models_;  // of the last ready worker
  std::shared_ptr<ServerWire> wire_;          // null: nobody is there to hear
  std::jthread thread_;
};

}  // namespace imagined::worker
