#include "worker/child.h"

#include <fmt/core.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace imagined::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kUntilItEnds = milliseconds::max();

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// First out of each other's way, above all of them, and then down to their places.
void hand_over(const std::vector<int>& files, posix_spawn_file_actions_t& actions) {
  const int count = static_cast<int>(files.size());
  const int above = files.empty() ? 0 : 1 + *std::ranges::max_element(files);
  for (int i = 0; i < count; ++i)
    posix_spawn_file_actions_adddup2(&actions, files[static_cast<std::size_t>(i)], above + i);
  for (int i = 0; i < count; ++i)
    posix_spawn_file_actions_adddup2(&actions, above + i, Child::kFirstFile + i);
  posix_spawn_file_actions_addclosefrom_np(&actions, Child::kFirstFile + count);
}

// Waits until the descriptor is readable or `limit` has passed, however many signals come.
void wait_readable(int fd, milliseconds limit) {
  const auto begin = steady_clock::now();
  pollfd poller{fd, POLLIN, 0};
  while (true) {
    const auto passed = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
    const bool for_ever = limit == kUntilItEnds;
    const int left_ms =
        for_ever ? -1 : static_cast<int>(std::max(limit - passed, milliseconds(0)).count());
    if (poll(&poller, 1, left_ms) >= 0 || errno != EINTR) return;
  }
}

}  // namespace

std::string Child::End::text() const {
  switch (how) {
    case How::exited:
      return fmt::format("exit={}", number);
    case How::killed:
      return fmt::format("signal={}", number);
    case How::unknown:
      break;
  }
  return "exit=unknown";
}

Result<Child> Child::start(const Program& program) {
  std::vector<std::string> arguments = {program.executable.string()};
  arguments.insert(arguments.end(), program.arguments.begin(), program.arguments.end());
  std::vector<std::string> environment = program.environment;
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // The signals that we take in a thread must end the child by themselves.
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  hand_over(program.files, actions);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program.executable.c_str(), &actions, &attributes,
                                pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return fail(ErrorCode::unavailable,
                fmt::format("cannot start {}: {}", program.executable.filename().string(),
                            std::strerror(error)));
  }
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd >= 0) return Child(pid, pidfd);
  const int why = errno;
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return fail(ErrorCode::unavailable,
              fmt::format("no descriptor for a process: {}", std::strerror(why)));
}

Child::Child(Child&& other) noexcept
    : pid_(other.pid_), pidfd_(std::exchange(other.pidfd_, -1)), end_(other.end_) {}

Child::~Child() {
  if (pidfd_ >= 0) close(pidfd_);
}

std::optional<Child::End> Child::ended() {
  if (end_) return end_;
  siginfo_t info{};
  int result = 0;
  do {
    result = waitid(P_PIDFD, static_cast<id_t>(pidfd_), &info, WEXITED | WNOHANG);
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    end_ = End{};  // ECHILD: SIGCHLD is ignored in this process, and the kernel forgot the status
    // It answers so while the child still runs, too.
    pollfd poller{pidfd_, POLLIN, 0};
    if (poll(&poller, 1, 0) == 0) end_.reset();
  } else if (info.si_pid != 0) {
    const bool exited = info.si_code == CLD_EXITED;
    end_ = End{exited ? End::How::exited : End::How::killed, info.si_status};
  }
  return end_;
}

std::optional<Child::End> Child::ended_within(milliseconds limit) {
  if (!end_) wait_readable(pidfd_, limit);
  return ended();
}

Child::End Child::end(milliseconds patience) {
  if (!ended()) kill(pid_, SIGTERM);
  if (!ended_within(patience)) kill(pid_, SIGKILL);
  while (!ended_within(kUntilItEnds)) {
  }
  return *end_;
}

}  // namespace imagined::worker
