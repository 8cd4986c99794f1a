#include "worker/supervisor.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <utility>

#include "base/crypto.h"
#include "base/event_fd.h"
#include "base/log.h"
#include "service/jobs/stranded.h"

namespace imagined::worker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRestartDelayMin{50};
constexpr milliseconds kRestartDelayMax{10'000};

// Delay before the next start: doubles with each start in a row that failed.
milliseconds restart_delay(int failures) {
  return std::min(kRestartDelayMax, kRestartDelayMin * (1 << std::min(failures, 10)));
}

Result<int> make_config_file(const std::string& text) {
  const int fd = memfd_create("imagined.toml", MFD_CLOEXEC);
  if (fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()))
    return fd;
  if (fd >= 0) close(fd);
  return fail(ErrorCode::unavailable, "no memory for the worker's configuration");
}

}  // namespace

struct Supervisor::Worker {
  std::string id;
  Child child;
  std::atomic<bool> was_ready = false;
  std::atomic<bool> hung_up = false;
  EventFd waker{::eventfd(0, EFD_CLOEXEC)};  // of the thread that waits for descriptors

  Worker(std::string name, Child started) : id(std::move(name)), child(std::move(started)) {}
};

Supervisor::Supervisor(SupervisorOptions options, service::JobEvents& events)
    : options_(std::move(options)), events_(events) {}

Supervisor::~Supervisor() {
  stop();
  if (config_fd_ >= 0) close(config_fd_);
}

void Supervisor::start(SupervisorCallbacks callbacks) {
  callbacks_ = std::move(callbacks);
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

void Supervisor::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

// Resident, as the kernel counts it: mapped weights that lie in memory are part of it.
std::int64_t Supervisor::memory_bytes() const {
  const pid_t pid = pid_;
  if (pid == 0) return 0;
  std::ifstream statm(fmt::format("/proc/{}/statm", pid));
  std::int64_t all_pages = 0, resident_pages = 0;
  if (!(statm >> all_pages >> resident_pages)) return 0;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

bool Supervisor::accepts(std::string_view model_id) const {
  if (!ready_ && !(was_ready_ && failures_ < kFailuresMax)) return false;
  const auto told = report(model_id);
  return told && told->abilities;
}

std::optional<service::ModelReport> Supervisor::report(std::string_view model_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(models_, model_id, &service::ModelReport::model);
  return found == models_.end() ? std::nullopt : std::optional(*found);
}

void Supervisor::job_queued() {
  if (const auto to_worker = wire()) to_worker->job_queued();
}

void Supervisor::job_cancelled(std::string_view job_id) {
  if (const auto to_worker = wire()) to_worker->job_cancelled(job_id);
}

void Supervisor::connect(std::shared_ptr<ServerWire> wire) {
  {
    const std::lock_guard lock(mutex_);
    wire_.swap(wire);
  }
  // The old one ends here, outside the lock: it joins its thread.
}

std::shared_ptr<ServerWire> Supervisor::wire() {
  const std::lock_guard lock(mutex_);
  return wire_;
}

void Supervisor::watch(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any paused;
  while (!stop.stop_requested()) {
    const auto worker = try_to_start();
    if (!worker) {
      log(LogLevel::error, "worker_not_started", "reason={:?}", worker.error().message);
      ++failures_;
    } else {
      const Child::End end = wait_for_end(**worker, stop);
      if (!stop.stop_requested()) after_end(**worker, end);
    }
    std::unique_lock lock(mutex);
    paused.wait_for(lock, stop, restart_delay(failures_), [] { return false; });
  }
}

// The net of this thread: without memory for a worker the server waits for some and lives on.
Result<std::shared_ptr<Supervisor::Worker>> Supervisor::try_to_start() {
  try {
    return start_worker();
  } catch (const std::exception& caught) {
    return fail(ErrorCode::unavailable, caught.what());
  }
}

Result<std::shared_ptr<Supervisor::Worker>> Supervisor::start_worker() {
  if (config_fd_ < 0) config_fd_ = TRY(make_config_file(options_.config));
  const std::string id = std::string(service::kChildPrefix) + random_base62(12);
  const WirePair wire = TRY(make_wire());
  auto child =
      Child::start({.executable = options_.executable,
                    .arguments = {"worker", fmt::format("--wire-fd={}", Child::kFirstFile),
                                  fmt::format("--id={}", id),
                                  fmt::format("--config=/proc/self/fd/{}", Child::kFirstFile + 1)},
                    .environment = options_.environment,
                    .files = {wire.worker_fd, config_fd_}});
  close(wire.worker_fd);
  if (!child) {
    close(wire.server_fd);
    return tl::unexpected(std::move(child.error()));
  }
  ++starts_;
  pid_ = child->pid();
  log(LogLevel::info, "worker_started", "worker={} pid={}", id, child->pid());
  auto worker = std::make_shared<Worker>(id, std::move(*child));
  try {
    connect(std::make_shared<ServerWire>(
        wire.server_fd, events_,
        ServerWire::Callbacks{
            .on_ready = [this,
                         told = worker](auto models) { hear_ready(*told, std::move(models)); },
            .on_closed =
                [told = worker] {
                  told->hung_up = true;
                  told->waker.ring();
                }}));
  } catch (const std::exception& caught) {  // no thread is to be had, or no memory
    worker->child.end(options_.stop_patience);
    return fail(ErrorCode::unavailable, caught.what());
  }
  return worker;
}

void Supervisor::hear_ready(Worker& worker, std::vector<service::ModelReport> models) {
  const auto loaded = std::ranges::count_if(
      models, [](const service::ModelReport& report) { return report.abilities.has_value(); });
  log(LogLevel::info, "worker_ready", "worker={} models={}", worker.id, loaded);
  {
    const std::lock_guard lock(mutex_);
    models_ = std::move(models);
  }
  worker.was_ready = true;
  failures_ = 0;
  was_ready_ = true;
  ready_ = true;
  if (callbacks_.on_ready) callbacks_.on_ready();
}

Child::End Supervisor::wait_for_end(Worker& worker, const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [&] { worker.waker.ring(); });
  while (!worker.child.ended() && !worker.hung_up && !stop.stop_requested()) {
    pollfd pollers[] = {{worker.child.end_fd(), POLLIN, 0}, {worker.waker.get(), POLLIN, 0}};
    poll(pollers, 2, -1);
  }
  // Whoever lives on without a wire is of no use.
  if (worker.hung_up && !stop.stop_requested() &&
      !worker.child.ended_within(options_.hang_up_grace)) {
    log(LogLevel::error, "worker_hung_up", "worker={}", worker.id);
  }
  const Child::End end = worker.child.end(options_.stop_patience);
  pid_ = 0;
  connect(nullptr);
  ready_ = false;  // after the wire's last word
  return end;
}

// Jobs of a dead worker go back to the queue (or fail, the second time), then it starts again.
void Supervisor::after_end(const Worker& worker, const Child::End& end) {
  const auto rescued = callbacks_.on_ended ? callbacks_.on_ended(worker.id) : Result<int>(0);
  const bool meant = end.how == Child::End::How::exited && end.number == 0;
  log(meant ? LogLevel::info : LogLevel::error, "worker_ended", "worker={} {} jobs_given_back={}",
      worker.id, end.text(), rescued ? *rescued : -1);
  if (!rescued) log(LogLevel::error, "rescue_failed", "reason={:?}", rescued.error().message);
  if (worker.was_ready) return;
  ++failures_;
  // It said itself that it cannot work; a crash may pass.
  if (end.how == Child::End::How::exited && !was_ready_ && callbacks_.on_give_up) {
    callbacks_.on_give_up(end.number);
  }
}

}  // namespace imagined::worker
