#include "storage/process/process_job_events.h"

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/listener.h"

namespace imagined::storage {

using JobListener = Listener<service::JobEvent>;

// An end that nobody told of would be remembered for ever.
constexpr std::size_t kProgressKept = 256;

struct ProcessJobEvents::State {
  std::mutex mutex;
  std::map<std::string, service::JobEvent, std::less<>> progress;  // by job
  std::multimap<std::string, std::shared_ptr<JobListener>, std::less<>> listeners;

  void remember(const service::JobEvent& event) {
    using Kind = service::JobEvent::Kind;
    if (event.kind == Kind::finished) progress.erase(event.job_id);
    if (event.kind != Kind::progress) return;
    // Ids begin with the time, so the first is the oldest.
    if (progress.size() >= kProgressKept && !progress.contains(event.job_id))
      progress.erase(progress.begin());
    progress[event.job_id] = event;
  }

  void remove(const std::string& job_id, const std::shared_ptr<JobListener>& listener) {
    {
      const std::lock_guard lock(mutex);
      const auto [begin, end] = listeners.equal_range(job_id);
      for (auto each = begin; each != end; ++each) {
        if (each->second != listener) continue;
        listeners.erase(each);
        break;
      }
    }
    listener->end();
  }
};

ProcessJobEvents::ProcessJobEvents() : state_(std::make_shared<State>()) {}
ProcessJobEvents::~ProcessJobEvents() = default;

void ProcessJobEvents::publish(const service::JobEvent& event) {
  std::vector<std::shared_ptr<JobListener>> called;
  {
    const std::lock_guard lock(state_->mutex);
    state_->remember(event);
    const auto [begin, end] = state_->listeners.equal_range(event.job_id);
    for (auto each = begin; each != end; ++each) called.push_back(each->second);
  }
  for (const auto& listener : called) listener->call(event);
}

std::optional<service::JobEvent> ProcessJobEvents::progress_of(std::string_view job_id) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->progress.find(job_id);
  if (found == state_->progress.end()) return std::nullopt;
  return found->second;
}

service::Subscription ProcessJobEvents::subscribe(std::string_view job_id, Callback callback) {
  auto listener = std::make_shared<JobListener>(std::move(callback));
  {
    const std::lock_guard lock(state_->mutex);
    state_->listeners.emplace(job_id, listener);
  }
  // The guard's deleter is the end of the subscription.
  const auto end = [state = state_, id = std::string(job_id), listener](void*) {
    state->remove(id, listener);
  };
  return service::Subscription(std::shared_ptr<void>(state_.get(), end));
}

}  // namespace imagined::storage
