#include "cli/process.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string_view>
#include <thread>

#include "base/check.h"
#include "base/log.h"
#include "cli/exit_code.h"

namespace imagined::cli {
namespace {

// Clients that are told at a time why they are not served.
constexpr std::int64_t kTurnedAwayMax = 64;
// One connection of gRPC for so many of HTTP.
constexpr std::int64_t kGrpcShare = 10;
constexpr std::int64_t kDescriptorsByGrpc = 3;

}  // namespace

std::filesystem::path this_executable() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored);
}

config::Environment process_environment() {
  config::Environment variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::stop_token stop_on_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGUSR2);
  // One that is ignored would come all the same where it is waited for.
  struct sigaction on_hangup {};
  if (sigaction(SIGHUP, nullptr, &on_hangup) == 0 && on_hangup.sa_handler != SIG_IGN)
    sigaddset(&signals, SIGHUP);
  CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0, "the signal mask cannot be set");
  const std::stop_source source;
  // Waits in a thread of its own, so that nothing of ours runs in a signal handler.
  std::thread([signals, source]() mutable {
    while (true) {
      int signal = 0;
      sigwait(&signals, &signal);
      if (signal == SIGUSR1 || signal == SIGUSR2) {
        log(LogLevel::info, "signal_ignored", "signal={} hint=\"SIGTERM ends this process\"",
            signal == SIGUSR1 ? "SIGUSR1" : "SIGUSR2");
      } else if (!source.request_stop()) {
        _exit(kExitInterrupted);  // asked twice: now
      }
    }
  }).detach();
  return source.get_token();
}

void prepare_to_serve() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);
  umask(077);
}

std::int64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
  constexpr rlim_t kPlenty = 1 << 30;  // "unlimited" included
  return static_cast<std::int64_t>(std::min(limit.rlim_cur, kPlenty));
}

ConnectionRoom connections_within(std::int64_t descriptors, std::int64_t wanted) {
  const std::int64_t all = std::max<std::int64_t>(descriptors - kOwnDescriptors, 5);
  const std::int64_t by_grpc =
      std::clamp<std::int64_t>(all / 32, 1, std::max<std::int64_t>(wanted / kGrpcShare, 1));
  const std::int64_t left = all - by_grpc * kDescriptorsByGrpc;
  const std::int64_t turned_away = std::clamp<std::int64_t>(left / 8, 1, kTurnedAwayMax);
  return {.served = std::min(left - turned_away, wanted),
          .by_grpc = by_grpc,
          .turned_away = turned_away};
}

std::int64_t descriptors_for(std::int64_t connections) {
  return connections + connections / kGrpcShare * kDescriptorsByGrpc + kTurnedAwayMax +
         kOwnDescriptors;
}

}  // namespace imagined::cli
