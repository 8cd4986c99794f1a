#include "service/maintenance/maintenance.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>

#include "base/log.h"

namespace imagined::service {
namespace {

using Steady = std::chrono::steady_clock;

void do_duty(const Duty& duty, const std::stop_token& stop) {
  Result<int> done = 0;
  try {
    done = duty.run_once(stop);
  } catch (const std::exception& error) {  // the net of this thread: no memory, above all
    done = fail(ErrorCode::internal, "a library failed", {}, error.what());
  }
  if (!done) {
    log(LogLevel::warn, "duty_failed", "duty={} reason={:?} detail={:?}", duty.name,
        done.error().message, done.error().detail);
  } else if (*done > 0) {
    log(LogLevel::info, "duty_done", "duty={} count={}", duty.name, *done);
  }
}

}  // namespace

void Maintenance::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Maintenance::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Maintenance::run(const std::stop_token& stop) {
  std::vector<Steady::time_point> due(duties_.size(), Steady::now());
  std::mutex mutex;
  std::condition_variable_any waiting;
  while (!duties_.empty() && !stop.stop_requested()) {
    for (std::size_t i = 0; i < duties_.size() && !stop.stop_requested(); ++i) {
      if (Steady::now() < due[i]) continue;
      do_duty(duties_[i], stop);
      due[i] = Steady::now() + duties_[i].interval;
    }
    std::unique_lock lock(mutex);
    waiting.wait_until(lock, stop, std::ranges::min(due), [] { return false; });
  }
}

}  // namespace imagined::service
