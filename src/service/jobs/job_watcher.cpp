#include "service/jobs/job_watcher.h"

#include <exception>
#include <utility>

#include "base/log.h"

namespace imagined::service {

struct JobWatcher::Entry {
  Entry(std::string id, Callbacks callbacks)
      : job_id(std::move(id)),
        progress(std::move(callbacks.on_progress)),
        end(std::move(callbacks.on_end)) {}

  const std::string job_id;
  Listener<JobEvent> progress;
  Listener<Result<Job>> end;
  Subscription subscription;
};

JobWatcher::JobWatcher(JobStore& store, JobQueue& queue, JobEvents& events,
                       std::chrono::milliseconds tick)
    : store_(store), queue_(queue), events_(events), tick_(tick) {}

JobWatcher::~JobWatcher() { stop(); }

void JobWatcher::start() {
  next_tick_ = std::chrono::steady_clock::now() + tick_;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void JobWatcher::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

JobWatcher::Waiter JobWatcher::watch(std::string job_id, Callbacks callbacks) {
  auto entry = std::make_shared<Entry>(std::move(job_id), std::move(callbacks));
  {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(entry->job_id, entry);
  }
  // A weak one: the subscription lives in the entry.
  entry->subscription =
      events_.subscribe(entry->job_id, [this, weak = std::weak_ptr(entry)](const JobEvent& event) {
        const auto told = weak.lock();
        if (told == nullptr) return;
        if (event.kind != JobEvent::Kind::finished) return told->progress.call(event);
        ring(told->job_id);
      });
  ring(entry->job_id);  // it may have ended before the subscription began
  return {*this, std::move(entry)};
}

JobWatcher::Waiter::~Waiter() {
  if (entry_ == nullptr) return;
  watcher_.forget(*entry_);
  entry_->end.end();
  entry_->progress.end();
  entry_->subscription = {};
}

bool JobWatcher::forget(const Entry& entry) {
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = waiting_.equal_range(entry.job_id);
  for (auto each = begin; each != end; ++each) {
    if (each->second.get() != &entry) continue;
    waiting_.erase(each);
    return true;
  }
  return false;
}

Result<Job> JobWatcher::give_up(Waiter& waiter, EndedBy by) {
  const std::string& job_id = waiter.entry_->job_id;
  return forget(*waiter.entry_) ? queue_.give_up(job_id, by) : store_.find(job_id);
}

void JobWatcher::ring(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  rung_.insert(job_id);
  changed_.notify_all();
}

void JobWatcher::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      const auto job_ids = wait_for_work(stop);
      if (!job_ids.empty() && !stop.stop_requested()) look_at(job_ids);
    } catch (const std::exception& error) {  // the net of this thread: no memory, above all
      log(LogLevel::error, "watch_failed", "reason={:?}", error.what());
    }
  }
}

std::vector<std::string> JobWatcher::wait_for_work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, stop, next_tick_, [this] { return !rung_.empty(); });
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::string> job_ids;
  if (now >= next_tick_) {
    next_tick_ = now + tick_;
    for (auto each = waiting_.begin(); each != waiting_.end();
         each = waiting_.upper_bound(each->first))
      job_ids.push_back(each->first);
  } else {
    job_ids.assign(rung_.begin(), rung_.end());
    std::erase_if(job_ids, [this](const auto& id) { return !waiting_.contains(id); });
  }
  rung_.clear();
  return job_ids;
}

void JobWatcher::look_at(const std::vector<std::string>& job_ids) {
  auto jobs = store_.find_all(job_ids);
  if (!jobs) {  // the next tick asks again
    log(LogLevel::warn, "watch_failed", "jobs={} reason={:?} detail={:?}", job_ids.size(),
        jobs.error().message, jobs.error().detail);
    return;
  }
  std::set<std::string_view> found;
  for (const Job& job : *jobs) {
    found.insert(job.id);
    if (is_final(job.state)) tell(job.id, job);
  }
  for (const std::string& id : job_ids)
    if (!found.contains(id)) tell(id, fail(ErrorCode::not_found, "no such job"));
}

void JobWatcher::tell(const std::string& job_id, const Result<Job>& job) {
  std::vector<std::shared_ptr<Entry>> told;
  {
    const std::lock_guard lock(mutex_);
    const auto [begin, end] = waiting_.equal_range(job_id);
    for (auto each = begin; each != end; ++each) told.push_back(each->second);
    waiting_.erase(begin, end);
  }
  for (const auto& entry : told) entry->end.call(job);
}

}  // namespace imagined::service
