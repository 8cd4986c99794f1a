#include "worker/finisher.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "base/crypto.h"
#include "base/log.h"
#include "image/encode.h"

namespace imagined::worker {
namespace {

constexpr std::size_t kWaitingTasksMax = 4;  // pictures of up to 14 MB
constexpr std::size_t kPictureIdLength = 22;

bool is_stopped(const ActiveJob& active) { return active.stop.stop_requested(); }

}  // namespace

Finisher::Finisher(Parts parts) : parts_(parts), thread_([this] { loop(); }) {}

Finisher::~Finisher() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
}

void Finisher::store(std::shared_ptr<ActiveJob> job, Made made) {
  push({.kind = Task::Kind::store, .job = std::move(job), .made = std::move(made), .error = {}});
}

void Finisher::fail(std::shared_ptr<ActiveJob> job, Error error) {
  push({.kind = Task::Kind::fail, .job = std::move(job), .made = {}, .error = std::move(error)});
}

void Finisher::release(std::shared_ptr<ActiveJob> job) {
  push({.kind = Task::Kind::release, .job = std::move(job), .made = {}, .error = {}});
}

void Finisher::drop(std::shared_ptr<ActiveJob> job) {
  push({.kind = Task::Kind::drop, .job = std::move(job), .made = {}, .error = {}});
}

void Finisher::push(Task task) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return tasks_.size() < kWaitingTasksMax; });
  tasks_.push_back(std::move(task));
  changed_.notify_all();
}

std::optional<Finisher::Task> Finisher::pop() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !tasks_.empty() || ending_; });
  if (tasks_.empty()) return std::nullopt;
  std::optional<Task> task = std::move(tasks_.front());
  tasks_.pop_front();
  changed_.notify_all();
  return task;
}

void Finisher::loop() {
  while (auto task = pop()) {
    try {
      handle(*task);
    } catch (const std::exception& error) {  // the net of the job loop: no memory, above all
      settle_failed(task->job, {.code = ErrorCode::internal,
                                .message = "the worker could not store the picture",
                                .detail = error.what()});
    }
  }
}

void Finisher::handle(Task& task) {
  const auto& active = task.job;
  switch (task.kind) {
    case Task::Kind::store:
      if (!is_stopped(*active)) store_picture(active, task.made);
      return;
    case Task::Kind::fail:
      return settle_failed(active, task.error);
    case Task::Kind::release: {
      const auto released = parts_.jobs.release(active->job.id, active->job.lease_token);
      log(LogLevel::info, "job_released", "id={} ok={}", active->job.id, released.has_value());
      return forget(active);
    }
    case Task::Kind::drop:
      return forget(active);
  }
}

Result<service::StoredPicture> Finisher::store_file(const ActiveJob& active, const Made& made) {
  const engine::Picture& picture = made.picture;
  const image::PixelsView pixels{picture.width, picture.height, picture.channels, picture.pixels};
  const image::Format format = active.job.request.format;
  const auto bytes = TRY(image::encode(pixels, format, {.quality = parts_.jpeg_quality}));
  const std::string blob = TRY(parts_.blobs.put(bytes));
  return service::StoredPicture{.id = random_base62(kPictureIdLength),
                                .job_id = active.job.id,
                                .index = made.index,
                                .blob = blob,
                                .mime_type = std::string(image::mime_type(format)),
                                .width = picture.width,
                                .height = picture.height,
                                .seed = made.seed,
                                .size_bytes = static_cast<std::int64_t>(bytes.size()),
                                .created_ms = parts_.clock.unix_ms()};
}

void Finisher::store_picture(const std::shared_ptr<ActiveJob>& active, const Made& made) {
  const service::Job& job = active->job;
  auto picture = store_file(*active, made);
  if (!picture) return settle_failed(active, picture.error());
  auto& pictures = stored_[active.get()];
  pictures.push_back(std::move(*picture));
  if (std::ssize(pictures) < job.request.count) return;
  const auto completed = parts_.jobs.complete(job.id, job.lease_token, pictures);
  if (!completed && completed.error().code != ErrorCode::aborted)
    return settle_failed(active, completed.error());
  // Aborted: cancelled or taken for dead in the last moment; somebody else has settled it.
  log(LogLevel::info, "job_done", "id={} n={} ms={} kept={}", job.id, job.request.count,
      parts_.clock.unix_ms() - job.started_ms, completed.has_value());
  parts_.doorbell.send({.kind = Message::Kind::finished, .job_id = job.id});
  forget(active);
}

void Finisher::settle_failed(const std::shared_ptr<ActiveJob>& active, const Error& error) {
  const service::Job& job = active->job;
  active->stop.request_stop();
  log(LogLevel::error, "job_failed", "id={} code={} reason={:?} detail={:?}", job.id,
      static_cast<int>(error.code), error.message, error.detail);
  const auto failed = parts_.jobs.fail(job.id, job.lease_token, error);
  if (!failed && failed.error().code != ErrorCode::aborted) {
    // It stays `running` without a heartbeat: when the lease ends, the server deals with it.
    log(LogLevel::error, "job_not_settled", "id={} reason={:?}", job.id, failed.error().message);
  }
  parts_.doorbell.send({.kind = Message::Kind::finished, .job_id = job.id});
  forget(active);
}

void Finisher::forget(const std::shared_ptr<ActiveJob>& active) {
  stored_.erase(active.get());
  parts_.active.remove(active);
}

}  // namespace imagined::worker
