#include "worker/finisher.h"

#include <exception>
#include <string>
#include <utility>

#include "base/crypto.h"
#include "base/log.h"
#include "image/encode.h"
#include "image/label.h"

namespace imagined::worker {
namespace {

constexpr std::size_t kWaitingTasksMax = 4;  // pictures of up to 14 MB
constexpr std::size_t kPictureIdLength = 22;

std::optional<image::Label> label_of(const ActiveJob& active, const Made& made) {
  const service::JobPayload& payload = active.claimed.payload;
  const service::PictureRequest& wanted = service::wanted_pictures(payload);
  if (!wanted.labelled) return std::nullopt;
  return image::Label{.model = active.job().sold.model,
                      .seed = made.seed,
                      .prompt_sha256 = to_hex(sha256(wanted.prompt.text())),
                      .of_given_pictures = std::holds_alternative<service::EditRequest>(payload)};
}

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
  push({.job = std::move(job), .what = std::move(made)});
}

void Finisher::show(std::shared_ptr<ActiveJob> job, Preview preview) {
  const std::lock_guard lock(mutex_);
  if (tasks_.size() + 1 >= kWaitingTasksMax) return;
  tasks_.push_back({.job = std::move(job), .what = std::move(preview)});
  changed_.notify_all();
}

void Finisher::end(std::shared_ptr<ActiveJob> job, Ending ending) {
  push({.job = std::move(job), .what = std::move(ending)});
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
    ActiveJob& active = *task->job;
    try {
      std::visit([&](const auto& what) { handle(active, what); }, task->what);
    } catch (const std::exception& error) {  // the net of the job loop: no memory, above all
      fail(active, {.code = ErrorCode::internal,
                    .message = "the worker could not store the picture",
                    .detail = error.what()});
    }
    active.movement.moved(parts_.clock.monotonic_ms());
    if (!std::holds_alternative<Ending>(task->what)) continue;
    progress_.erase(&active);
    parts_.active.remove(task->job);
  }
}

void Finisher::handle(ActiveJob& active, const Made& made) {
  if (active.stop.stop_requested()) return;
  auto picture = store_file(active, made);
  if (!picture) return fail(active, picture.error());
  progress_[&active].pictures.push_back(std::move(*picture));
}

// Nobody is owed one: what goes wrong here does not concern the job.
void Finisher::handle(ActiveJob& active, const Preview& preview) {
  if (active.stop.stop_requested()) return;
  const image::Picture& picture = preview.picture;
  const auto bytes =
      image::encode(picture.view(), preview.format, {.quality = parts_.jpeg_quality});
  if (!bytes) return;
  const auto blob = parts_.blobs.put(*bytes);
  if (!blob) return;
  parts_.wire.send({.kind = Message::Kind::preview,
                    .job_id = active.job().id,
                    .picture = preview.index,
                    .number = preview.number,
                    .width = picture.width,
                    .height = picture.height,
                    .blob = *blob});
}

void Finisher::handle(ActiveJob& active, const Ending& ending) {
  if (progress_[&active].settled) return;
  switch (ending.kind) {
    case Ending::Kind::done:
      // Stopped after the last picture was handed in: cancelled or lost, and settled by others.
      if (!active.stop.stop_requested()) complete(active);
      return;
    case Ending::Kind::failed:
      return fail(active, ending.error);
    case Ending::Kind::release: {
      const auto released = parts_.jobs.release(active.claimed.lease());
      log(LogLevel::info, "job_released", "id={} ok={}", active.job().id, released.has_value());
      return;
    }
    case Ending::Kind::drop:
      return;
  }
}

Result<service::StoredPicture> Finisher::store_file(const ActiveJob& active, const Made& made) {
  const image::Picture& picture = made.picture;
  auto bytes = TRY(image::encode(picture.view(), made.format, {.quality = parts_.jpeg_quality}));
  if (const auto label = label_of(active, made))
    bytes = image::with_label(std::move(bytes), made.format, *label);
  const std::string blob = TRY(parts_.blobs.put(bytes));
  return service::StoredPicture{.id = random_base62(kPictureIdLength),
                                .job_id = active.job().id,
                                .index = made.index,
                                .blob = blob,
                                .format = made.format,
                                .width = picture.width,
                                .height = picture.height,
                                .seed = made.seed,
                                .size_bytes = static_cast<std::int64_t>(bytes.size()),
                                .created_ms = parts_.clock.unix_ms(),
                                .reading = active.reading};
}

void Finisher::complete(ActiveJob& active) {
  const service::Job& job = active.job();
  const auto& pictures = progress_[&active].pictures;
  const auto completed = parts_.jobs.complete(active.claimed.lease(), pictures);
  if (!completed && completed.error().code != ErrorCode::aborted)
    return fail(active, completed.error());
  // Aborted: cancelled or taken for dead in the last moment; somebody else has settled it.
  log(LogLevel::info, "job_done", "id={} n={} ms={} kept={}", job.id, pictures.size(),
      parts_.clock.unix_ms() - job.started_ms, completed.has_value());
  parts_.wire.send({.kind = Message::Kind::finished, .job_id = job.id});
}

void Finisher::fail(ActiveJob& active, const Error& error) {
  const service::Job& job = active.job();
  progress_[&active].settled = true;
  active.stop.request_stop();
  log(LogLevel::error, "job_failed", "id={} code={} reason={:?} detail={:?}", job.id,
      static_cast<int>(error.code), error.message, error.detail);
  const auto failed = parts_.jobs.fail(active.claimed.lease(), error);
  if (!failed && failed.error().code != ErrorCode::aborted) {
    // It stays `running` and is prolonged no more: when the lease ends, the server deals with it.
    log(LogLevel::error, "job_not_settled", "id={} reason={:?}", job.id, failed.error().message);
  }
  parts_.wire.send({.kind = Message::Kind::finished, .job_id = job.id});
}

}  // namespace imagined::worker
