#include "worker/finisher.h"

#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include "base/crypto.h"
#include "base/log.h"
#include "image/encode.h"
#include "image/label.h"

namespace imagined::worker {
namespace {

// More than a few only when pictures are small and made faster than a disk answers.
constexpr std::size_t kWaitingTasksMax = 256;
constexpr std::size_t kWaitingBytesMax = 48'000'000;
constexpr std::size_t kPreviewsBehind = 4;  // tasks; a preview behind more of them would come late
// How long what comes is added to a batch, before what it has is stored: less than the disk takes.
constexpr std::chrono::milliseconds kBatchTime{5};

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

void Finisher::store(std::shared_ptr<ActiveJob> job, MadeClip clip) {
  push({.job = std::move(job), .what = std::move(clip)});
}

void Finisher::show(std::shared_ptr<ActiveJob> job, Preview preview) {
  const std::lock_guard lock(mutex_);
  if (tasks_.size() + 1 >= kPreviewsBehind) return;
  tasks_.push_back({.job = std::move(job), .what = std::move(preview)});
  changed_.notify_all();
}

void Finisher::end(std::shared_ptr<ActiveJob> job, Ending ending) {
  push({.job = std::move(job), .what = std::move(ending)});
}

std::size_t Finisher::bytes_of(const Task& task) {
  if (const auto* made = std::get_if<Made>(&task.what)) return made->picture.pixels.size();
  const auto* clip = std::get_if<MadeClip>(&task.what);
  return clip == nullptr ? 0 : clip->file.size();
}

void Finisher::push(Task task) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] {
    return tasks_.size() < kWaitingTasksMax && waiting_bytes_ < kWaitingBytesMax;
  });
  waiting_bytes_ += bytes_of(task);
  tasks_.push_back(std::move(task));
  changed_.notify_all();
}

std::optional<Finisher::Task> Finisher::pop() {
  const std::lock_guard lock(mutex_);
  if (tasks_.empty()) return std::nullopt;
  std::optional<Task> task = std::move(tasks_.front());
  tasks_.pop_front();
  waiting_bytes_ -= bytes_of(*task);
  changed_.notify_all();
  return task;
}

/// For a task, or for the time to settle again what could not be settled; false at the end.
bool Finisher::wait_for_work() {
  std::unique_lock lock(mutex_);
  const auto is_there = [this] { return !tasks_.empty() || ending_; };
  if (unsettled_.empty()) {
    changed_.wait(lock, is_there);
  } else {
    changed_.wait_until(lock, settle_again_at_, is_there);
  }
  return !tasks_.empty() || !ending_;
}

void Finisher::loop() {
  while (wait_for_work()) {
    const auto until = std::chrono::steady_clock::now() + kBatchTime;
    Batch batch;
    do {
      auto task = pop();
      if (!task) break;
      absorb(*task, batch);
    } while (std::chrono::steady_clock::now() < until);
    store(batch.pictures);
    settle(batch.endings);
    if (std::chrono::steady_clock::now() >= settle_again_at_) settle_again();
  }
  settle_again();
}

// The net of the job loop: no memory, above all.
template <class Work>
void Finisher::guard(std::span<const JobInHand> jobs, Work work) {
  try {
    work();
  } catch (const std::exception& error) {
    for (const JobInHand& job : jobs)
      fail(job, {.code = ErrorCode::internal,
                 .message = "the worker could not store the picture",
                 .detail = error.what()});
  }
  for (const JobInHand& job : jobs) job->movement.moved(parts_.clock.monotonic_ms());
}

void Finisher::absorb(Task& task, Batch& batch) {
  guard({&task.job, 1}, [&] {
    if (auto* ending = std::get_if<Ending>(&task.what)) {
      batch.endings.emplace_back(task.job, std::move(*ending));
      return;
    }
    ActiveJob& active = *task.job;
    if (active.stop.stop_requested()) return;
    if (const auto* preview = std::get_if<Preview>(&task.what)) return show(active, *preview);
    auto* clip = std::get_if<MadeClip>(&task.what);
    auto encoded = clip == nullptr ? encode(task.job, std::get<Made>(task.what))
                                   : take(task.job, std::move(*clip));
    if (!encoded) return fail(task.job, encoded.error());
    batch.pictures.push_back(std::move(*encoded));
  });
}

// Nobody is owed one: what goes wrong here does not concern the job.
void Finisher::show(const ActiveJob& active, const Preview& preview) {
  if (parts_.moderator != nullptr) return;  // it would be seen before it was judged
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

Result<Finisher::Encoded> Finisher::encode(const JobInHand& job, const Made& made) const {
  const image::Picture& picture = made.picture;
  const auto& wanted = wanted_pictures(job->claimed.payload);
  auto bytes = TRY(image::encode(picture.view(), made.format,
                                 {.quality = wanted.file_quality.value_or(parts_.jpeg_quality)}));
  if (const auto label = label_of(*job, made))
    bytes = image::with_label(std::move(bytes), made.format, *label);
  TRY(judge(job->job(), bytes, made.format));
  service::StoredPicture row = row_of(*job, service::file_format(made.format), bytes.size());
  row.index = made.index;
  row.width = picture.width;
  row.height = picture.height;
  row.seed = made.seed;
  return Encoded{.job = job, .row = std::move(row), .bytes = std::move(bytes)};
}

Result<Finisher::Encoded> Finisher::take(const JobInHand& job, MadeClip clip) const {
  for (const image::Picture& frame : clip.judged) {
    const auto file =
        TRY(image::encode(frame.view(), image::Format::jpeg, {.quality = parts_.jpeg_quality}));
    TRY(judge(job->job(), file, image::Format::jpeg));
  }
  service::StoredPicture row = row_of(*job, service::FileFormat::mp4, clip.file.size());
  row.width = clip.width;
  row.height = clip.height;
  row.seed = clip.seed;
  row.duration_ms = clip.duration_ms;
  return Encoded{.job = job,
                 .row = std::move(row),
                 .bytes = std::move(clip.file),
                 .pieces = clip.seconds_sold};
}

Result<void> Finisher::judge(const service::Job& job, std::span<const std::uint8_t> file,
                             image::Format format) const {
  if (parts_.moderator == nullptr) return {};
  return parts_.moderator->check_made({.file = file, .format = format},
                                      {.id = job.id, .owner = job.owner, .model = job.sold.model});
}

service::StoredPicture Finisher::row_of(const ActiveJob& active, service::FileFormat format,
                                        std::size_t size_bytes) const {
  return {.id = random_base62(service::kPictureIdLength),
          .job_id = active.job().id,
          .format = format,
          .size_bytes = static_cast<std::int64_t>(size_bytes),
          .created_ms = parts_.clock.unix_ms(),
          .reading = active.reading};
}

void Finisher::store(std::vector<Encoded>& pictures) {
  std::vector<JobInHand> jobs;
  for (const Encoded& picture : pictures) jobs.push_back(picture.job);
  guard(jobs, [&] {
    std::vector<std::span<const std::uint8_t>> bytes;
    for (const Encoded& picture : pictures) bytes.emplace_back(picture.bytes);
    const auto blobs = parts_.blobs.put_all(bytes);
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      if (!blobs[i]) {
        fail(pictures[i].job, blobs[i].error());
        continue;
      }
      pictures[i].row.blob = *blobs[i];
      Progress& progress = progress_[pictures[i].job.get()];
      progress.pictures.push_back(std::move(pictures[i].row));
      progress.pieces = pictures[i].pieces;
    }
  });
}

void Finisher::settle(std::span<const JobEnding> endings) {
  std::vector<JobInHand> done;
  for (const auto& [job, ending] : endings) {
    if (progress_[job.get()].settled) continue;
    switch (ending.kind) {
      case Ending::Kind::done:
        // Stopped after the last picture was handed in: cancelled or lost, and settled by others.
        if (!job->stop.stop_requested()) done.push_back(job);
        break;
      case Ending::Kind::failed:
        fail(job, ending.error);
        break;
      case Ending::Kind::release:
        release(*job);
        break;
      case Ending::Kind::drop:
        break;
    }
  }
  guard(done, [&] { complete(done); });
  for (const auto& [job, ending] : endings) {
    progress_.erase(job.get());
    parts_.active.remove(job);
  }
}

void Finisher::release(const ActiveJob& active) {
  const auto released = parts_.jobs.release(active.claimed.lease());
  log(LogLevel::info, "job_released", "id={} ok={}", active.job().id, released.has_value());
}

void Finisher::complete(std::span<const JobInHand> jobs) {
  if (jobs.empty()) return;
  std::vector<service::Completion> completions;
  for (const JobInHand& job : jobs)
    completions.push_back({.lease = job->claimed.lease(),
                           .pictures = progress_[job.get()].pictures,
                           .pieces = progress_[job.get()].pieces});
  const auto results = parts_.jobs.complete_all(completions);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Result<void>& completed = results[i];
    if (!completed && completed.error().code != ErrorCode::aborted) {
      fail(jobs[i], completed.error());
      continue;
    }
    // Aborted: cancelled or taken for dead in the last moment; somebody else has settled it.
    const service::Job& job = jobs[i]->job();
    log(LogLevel::info, "job_done", "id={} n={} ms={} kept={}", job.id,
        completions[i].pictures.size(), parts_.clock.unix_ms() - job.started_ms,
        completed.has_value());
    parts_.wire.send({.kind = Message::Kind::finished, .job_id = job.id});
  }
}

void Finisher::fail(const JobInHand& job, const Error& error) {
  if (std::exchange(progress_[job.get()].settled, true)) return;
  job->stop.request_stop();
  log(LogLevel::error, "job_failed", "id={} code={} reason={:?} detail={:?}", job->job().id,
      static_cast<int>(error.code), error.message, error.detail);
  if (settle_failed(*job, error)) return;
  unsettled_.push_back({.job = job, .error = error});
  settle_again_at_ = std::chrono::steady_clock::now() + parts_.retry_pause;
}

/// False when the store has not taken it: the job stays `running` in its row. Its lease is
/// prolonged no more, so that at worst the server deals with it when that ends.
bool Finisher::settle_failed(const ActiveJob& active, const Error& error) {
  const std::string& id = active.job().id;
  bool settled = false;
  guard({}, [&] {
    const auto failed = parts_.jobs.fail(active.claimed.lease(), error);
    settled = failed || failed.error().code == ErrorCode::aborted;
    if (!settled)
      log(LogLevel::error, "job_not_settled", "id={} reason={:?}", id, failed.error().message);
  });
  if (settled) parts_.wire.send({.kind = Message::Kind::finished, .job_id = id});
  return settled;
}

// A customer waits for each: a disk that was full for a moment must not cost a lease's time.
void Finisher::settle_again() {
  std::erase_if(unsettled_,
                [this](const Unsettled& each) { return settle_failed(*each.job, each.error); });
  settle_again_at_ = std::chrono::steady_clock::now() + parts_.retry_pause;
}

}  // namespace imagined::worker
