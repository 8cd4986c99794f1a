#include "worker/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <vector>

#include "base/check.h"
#include "base/crypto.h"
#include "base/log.h"
#include "worker/doorbell.h"

extern char** environ;

namespace imagined::worker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLookInterval{5'000};  // for a child whose end was not told
constexpr milliseconds kStopPatience{5'000};  // between a polite end and SIGKILL
constexpr milliseconds kRestartDelayMin{50};
constexpr milliseconds kRestartDelayMax{10'000};

// Delay before the next start: doubles with each start in a row that failed.
milliseconds restart_delay(int failures) {
  return std::min(kRestartDelayMax, kRestartDelayMin * (1 << std::min(failures, 10)));
}

// Settings reach the worker by its file alone: a variable that a flag has overruled here would win
// there.
std::vector<char*> worker_environment() {
  std::vector<char*> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("IMAGINED_")) kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

Result<int> make_config_file(const std::string& text) {
  const int fd = memfd_create("imagined.toml", 0);
  if (fd < 0 || write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail(ErrorCode::unavailable, "no memory for the worker's configuration");
  }
  return fd;
}

// Waits until the child has ended or `limit` has passed. -1: it still runs.
int wait_status(pid_t pid, int pidfd, milliseconds limit) {
  pollfd poller{pidfd, POLLIN, 0};
  poll(&poller, 1, static_cast<int>(limit.count()));
  int status = 0;
  return waitpid(pid, &status, WNOHANG) == pid ? status : -1;
}

std::string describe(int status) {
  return WIFSIGNALED(status) ? fmt::format("signal={}", WTERMSIG(status))
                             : fmt::format("exit={}", WEXITSTATUS(status));
}

}  // namespace

void WorkerSwitch::connect(std::shared_ptr<service::WorkerBell> bell) {
  {
    const std::lock_guard lock(mutex_);
    bell_.swap(bell);
  }
  // The old one ends here, outside the lock: it joins its thread.
}

std::shared_ptr<service::WorkerBell> WorkerSwitch::current() {
  const std::lock_guard lock(mutex_);
  return bell_;
}

void WorkerSwitch::job_queued() {
  if (const auto bell = current()) bell->job_queued();
}

void WorkerSwitch::job_cancelled(std::string_view job_id) {
  if (const auto bell = current()) bell->job_cancelled(job_id);
}

struct Supervisor::Child {
  std::string id;
  pid_t pid = -1;
  int pidfd = -1;
  int status = -1;  // of waitpid; -1 while it runs
  // Shared with the link, whose thread may end a little later than the child.
  std::shared_ptr<std::atomic<bool>> was_ready = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::atomic<bool>> hung_up = std::make_shared<std::atomic<bool>>(false);

  ~Child() {
    if (pidfd >= 0) close(pidfd);
  }
};

Supervisor::Supervisor(SupervisorOptions options, service::JobQueue& queue,
                       service::JobEvents& events, WorkerSwitch& bell)
    : options_(std::move(options)), queue_(queue), events_(events), bell_(bell) {}

bool Supervisor::accepts(std::string_view model_id) const {
  if (!ready_ && !(was_ready_ && failures_ < kFailuresMax)) return false;
  const std::lock_guard lock(models_mutex_);
  return std::ranges::find(models_, model_id) != models_.end();
}

Supervisor::~Supervisor() {
  stop();
  if (config_fd_ >= 0) close(config_fd_);
}

void Supervisor::start() {
  thread_ = std::jthread([this](std::stop_token stop) { watch(std::move(stop)); });
}

void Supervisor::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Supervisor::watch(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any paused;
  while (!stop.stop_requested()) {
    auto child = start_worker();
    if (!child) {
      log(LogLevel::error, "worker_not_started", "reason={:?}", child.error().message);
      ++failures_;
    } else {
      wait_for_end(**child, stop);
      if (!stop.stop_requested()) after_end(**child);
    }
    std::unique_lock lock(mutex);
    paused.wait_for(lock, stop, restart_delay(failures_), [] { return false; });
  }
}

Result<std::unique_ptr<Supervisor::Child>> Supervisor::start_worker() {
  if (config_fd_ < 0) config_fd_ = TRY(make_config_file(options_.config));
  auto child = std::make_unique<Child>();
  child->id = std::string(service::kChildPrefix) + random_base62(12);
  const Doorbell doorbell = TRY(make_doorbell());
  std::vector<std::string> arguments = {
      options_.executable.string(), "worker", fmt::format("--doorbell-fd={}", doorbell.worker_fd),
      fmt::format("--id={}", child->id), fmt::format("--config=/proc/self/fd/{}", config_fd_)};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  // The signals that we take in a thread must end the child by themselves.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int error = posix_spawn(&child->pid, options_.executable.c_str(), nullptr, &attributes,
                                argv.data(), worker_environment().data());
  posix_spawnattr_destroy(&attributes);
  close(doorbell.worker_fd);
  if (error != 0) {
    close(doorbell.server_fd);
    return fail(ErrorCode::unavailable, fmt::format("cannot start a worker: error {}", error));
  }
  child->pidfd = static_cast<int>(syscall(SYS_pidfd_open, child->pid, 0));
  log(LogLevel::info, "worker_started", "worker={} pid={}", child->id, child->pid);
  auto link = std::make_shared<WorkerLink>(
      doorbell.server_fd, events_,
      WorkerLink::Callbacks{.on_ready =
                                [this, id = child->id,
                                 was_ready = child->was_ready](std::vector<std::string> models) {
                                  log(LogLevel::info, "worker_ready", "worker={} models={}", id,
                                      models.size());
                                  {
                                    const std::lock_guard lock(models_mutex_);
                                    models_ = std::move(models);
                                  }
                                  *was_ready = true;
                                  failures_ = 0;
                                  was_ready_ = true;
                                  ready_ = true;
                                  if (options_.on_ready) options_.on_ready();
                                },
                            .on_closed = [hung_up = child->hung_up] { *hung_up = true; }});
  bell_.connect(std::move(link));
  return child;
}

void Supervisor::wait_for_end(Child& child, std::stop_token stop) {
  const int wake = eventfd(0, EFD_CLOEXEC);
  CHECK(wake >= 0, "no event descriptor");
  const std::stop_callback on_stop(stop, [wake] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake, &one, sizeof one);
  });
  bool had_hung_up = false;
  while (child.status < 0 && !stop.stop_requested()) {
    pollfd pollers[] = {{child.pidfd, POLLIN, 0}, {wake, POLLIN, 0}};
    poll(pollers, 2, static_cast<int>(kLookInterval.count()));
    child.status = wait_status(child.pid, child.pidfd, milliseconds(0));
    // Whoever ends hangs up a moment before; whoever lives on without a wire is of no use.
    if (child.status < 0 && had_hung_up) {
      log(LogLevel::error, "worker_hung_up", "worker={}", child.id);
      end_worker(child);
    }
    had_hung_up = *child.hung_up;
  }
  if (child.status < 0) end_worker(child);
  bell_.connect(nullptr);
  ready_ = false;  // after the link's last word
  close(wake);
}

void Supervisor::end_worker(Child& child) {
  kill(child.pid, SIGTERM);
  child.status = wait_status(child.pid, child.pidfd, kStopPatience);
  if (child.status >= 0) return;
  kill(child.pid, SIGKILL);
  waitpid(child.pid, &child.status, 0);
}

// Jobs of a dead worker go back to the queue (or fail, the second time), then it starts again.
void Supervisor::after_end(const Child& child) {
  const auto rescued = queue_.rescue(service::Stranded::of_worker(child.id));
  log(LogLevel::error, "worker_ended", "worker={} {} jobs_given_back={}", child.id,
      describe(child.status), rescued ? *rescued : -1);
  if (!rescued) log(LogLevel::error, "rescue_failed", "reason={:?}", rescued.error().message);
  if (*child.was_ready) return;
  ++failures_;
  // It said itself that it cannot work; a crash may pass.
  if (WIFEXITED(child.status) && !was_ready_ && options_.on_give_up) {
    options_.on_give_up(WEXITSTATUS(child.status));
  }
}

}  // namespace imagined::worker
