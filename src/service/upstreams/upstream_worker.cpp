#include "service/upstreams/upstream_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <variant>

#include "base/crypto.h"
#include "base/log.h"
#include "image/decode.h"
#include "image/encode.h"

namespace imagined::service {
namespace {

constexpr int kRoundsMax = 3;
constexpr int kJudgedQuality = 90;  // of frames as they are shown to who judges them
constexpr JobKind kKinds[] = {JobKind::pictures, JobKind::edits, JobKind::videos};

bool looks_like_mp4(std::span<const std::uint8_t> file) {
  constexpr std::string_view kType = "ftyp";
  return file.size() > 12 && std::equal(kType.begin(), kType.end(), file.begin() + 4);
}

Error not_to_be_read(std::string_view what) {
  return {.code = ErrorCode::unavailable,
          .message = fmt::format("the other server has made no {} that can be read", what),
          .field = "model",
          .retry = Retry::no};
}

std::string mime_type_of(const JobPayload& payload, std::span<const std::uint8_t> file) {
  const auto* video = std::get_if<VideoRequest>(&payload);
  if (video != nullptr && !video->video.empty()) return "video/mp4";
  const auto header = image::read_header(file);
  return header ? std::string(image::mime_type(header->format)) : "application/octet-stream";
}

/// What is drawn anew is as long as it was given, which only who has made it knows.
int seconds_sold(const VideoRequest& wanted, const UpstreamMade& made) {
  if (wanted.task != VideoTask::edit || made.duration_ms <= 0) return wanted.seconds;
  return static_cast<int>(
      std::clamp<std::int64_t>((made.duration_ms + 999) / 1000, 1, wanted.seconds));
}

bool is_for_another(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::resource_exhausted;
}

}  // namespace

/// A thread that claims and looks after leases, and one for each job, which waits for others most
/// of its time.
class UpstreamWorker::Run {
 public:
  Run(Parts parts, UpstreamWorkerOptions options)
      : parts_(std::move(parts)), options_(std::move(options)) {}

  void start() {
    thread_ = std::thread([this] { loop(); });
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const auto& job : in_hand_) job->stop.request_stop();
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
    in_hand_.clear();  // waits for their threads
  }
  void ring() {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_all();
  }
  void cancel(std::string_view job_id) {
    const std::lock_guard lock(mutex_);
    for (const auto& job : in_hand_)
      if (job->claimed.job.id == job_id) job->stop.request_stop();
  }

 private:
  struct InHand {
    explicit InHand(ClaimedJob job, std::int64_t now_ms)
        : claimed(std::move(job)), prolonged_ms(now_ms) {}
    const ClaimedJob claimed;
    std::stop_source stop;  // cancelled, lost, or the server ends
    std::int64_t prolonged_ms;
    std::atomic<bool> is_over = false;
    std::jthread thread;
  };

  // The thread that claims.
  void loop();
  void drop_those_that_are_over();
  void claim();
  void look_after_leases();

  // A job's own thread.
  void work(InHand& hand);
  Result<std::vector<StoredPicture>> make(const InHand& hand, Completion& completion);
  Result<UpstreamMade> ask(const InHand& hand, const UpstreamOrder& order);
  Result<UpstreamMade> ask_all(const InHand& hand, const UpstreamOrder& order,
                               std::set<const Upstream*>& done_with);
  Result<StoredPicture> kept_picture(const Job& job, std::span<const std::uint8_t> file);
  Result<StoredPicture> kept_clip(const Job& job, const VideoRequest& wanted,
                                  const UpstreamMade& made);
  Result<StoredPicture> kept(const Job& job, std::span<const std::uint8_t> file, FileFormat format);
  Result<void> judge(const Job& job, std::span<const std::uint8_t> file, image::Format format);
  void settle(const InHand& hand, Result<void> done);
  void pause(std::int64_t ms, const std::stop_token& stop);
  bool is_stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  const Parts parts_;
  const UpstreamWorkerOptions options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool rung_ = true;
  bool stopping_ = false;
  std::vector<std::unique_ptr<InHand>> in_hand_;  // changed by the thread that claims alone
  std::thread thread_;
};

void UpstreamWorker::Run::loop() {
  while (!is_stopping()) {
    drop_those_that_are_over();
    claim();
    look_after_leases();
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(options_.poll_ms),
                      [this] { return rung_ || stopping_; });
  }
}

void UpstreamWorker::Run::drop_those_that_are_over() {
  const std::lock_guard lock(mutex_);
  std::erase_if(in_hand_, [](const auto& job) { return job->is_over.load(); });
}

void UpstreamWorker::Run::claim() {
  {
    const std::lock_guard lock(mutex_);
    rung_ = false;  // before the look: a ring after it is a reason to look again
  }
  while (std::ssize(in_hand_) < options_.jobs_max) {
    auto job = parts_.jobs.claim({.worker_id = options_.id,
                                  .models = options_.models,
                                  .kinds = kKinds,
                                  .lease_ms = options_.lease_ms});
    if (!job) {
      log(LogLevel::error, "claim_failed", "reason={:?} detail={:?}", job.error().message,
          job.error().detail);
      return;
    }
    if (!*job) return;
    auto hand = std::make_unique<InHand>(std::move(**job), parts_.clock.monotonic_ms());
    InHand& begun = *hand;
    const std::lock_guard lock(mutex_);
    in_hand_.push_back(std::move(hand));
    if (stopping_) begun.stop.request_stop();
    begun.thread = std::jthread([this, &begun] { work(begun); });
  }
}

void UpstreamWorker::Run::look_after_leases() {
  std::vector<Lease> leases;
  for (const auto& job : in_hand_) leases.push_back(job->claimed.lease());
  if (leases.empty()) return;
  const auto lost = parts_.jobs.lost(leases);
  if (!lost) return;  // the next look will tell
  const std::int64_t now_ms = parts_.clock.monotonic_ms();
  std::vector<Lease> due;
  for (const auto& job : in_hand_) {
    const Lease lease = job->claimed.lease();
    if (std::ranges::count(*lost, lease.token, &Lease::token) > 0) {
      job->stop.request_stop();
    } else if (now_ms - job->prolonged_ms >= options_.heartbeat_ms) {
      job->prolonged_ms = now_ms;
      due.push_back(lease);
    }
  }
  if (due.empty()) return;
  const auto prolonged = parts_.jobs.prolong(due, options_.lease_ms);
  if (!prolonged)
    log(LogLevel::warn, "leases_not_prolonged", "reason={:?}", prolonged.error().message);
}

void UpstreamWorker::Run::work(InHand& hand) {
  Completion completion{.lease = hand.claimed.lease(), .pictures = {}};
  Result<void> done;
  try {
    auto pictures = make(hand, completion);
    if (pictures) {
      completion.pictures = std::move(*pictures);
      done = std::move(parts_.jobs.complete_all({&completion, 1}).front());
      if (done)
        log(LogLevel::info, "job_done", "id={} n={} ms={} kept=true", hand.claimed.job.id,
            completion.pictures.size(), parts_.clock.unix_ms() - hand.claimed.job.started_ms);
    } else {
      done = tl::unexpected(std::move(pictures.error()));
    }
  } catch (const std::exception& error) {  // no memory, above all
    done =
        fail(ErrorCode::resource_exhausted, "not enough memory for this picture", {}, error.what());
  }
  settle(hand, std::move(done));
  hand.is_over = true;
  ring();
}

void UpstreamWorker::Run::settle(const InHand& hand, Result<void> done) {
  const Job& job = hand.claimed.job;
  if (!done && done.error().code != ErrorCode::aborted) {  // aborted: others have settled it
    if (hand.stop.stop_requested()) {
      if (is_stopping()) {
        const auto released = parts_.jobs.release(hand.claimed.lease());
        log(LogLevel::info, "job_released", "id={} ok={}", job.id, released.has_value());
      }
      return;
    }
    const Error& error = done.error();
    log(LogLevel::error, "job_failed", "id={} code={} reason={:?} detail={:?}", job.id,
        static_cast<int>(error.code), error.message, error.detail);
    const auto failed = parts_.jobs.fail(hand.claimed.lease(), error);
    if (!failed && failed.error().code != ErrorCode::aborted)
      log(LogLevel::error, "job_not_settled", "id={} reason={:?}", job.id, failed.error().message);
  }
  parts_.events.publish({.kind = JobEvent::Kind::finished, .job_id = job.id});
}

Result<std::vector<StoredPicture>> UpstreamWorker::Run::make(const InHand& hand,
                                                             Completion& completion) {
  const Job& job = hand.claimed.job;
  const JobPayload& payload = hand.claimed.payload;
  UpstreamOrder order{.wanted = payload, .given = {}, .id = hand.claimed.job.id};
  for (const std::string& blob : inputs_of(payload)) {
    auto file = TRY(parts_.blobs.get(blob));
    std::string type = mime_type_of(payload, file);
    order.given.push_back({.bytes = std::move(file), .mime_type = std::move(type)});
  }
  const UpstreamMade made = TRY(ask(hand, order));
  std::vector<StoredPicture> pictures;
  if (const auto* video = std::get_if<VideoRequest>(&payload)) {
    pictures.push_back(TRY(kept_clip(job, *video, made)));
    completion.pieces = seconds_sold(*video, made);
    return pictures;
  }
  // More than was asked for, and paid for, is not wanted.
  const int wanted = wanted_pictures(payload).count;
  const auto count = std::min(made.files.size(), static_cast<std::size_t>(wanted));
  for (std::size_t i = 0; i < count; ++i) {
    StoredPicture picture = TRY(kept_picture(job, made.files[i]));
    picture.index = static_cast<int>(i);
    if (count < static_cast<std::size_t>(wanted))
      picture.reading.warnings.push_back(
          fmt::format("n: the other server has made {} of {} pictures", count, wanted));
    const image::Format format = wanted_pictures(payload).format;
    if (format != image::Format::jpeg && picture.format != file_format(format))
      picture.reading.warnings.push_back(fmt::format(
          "output_format: pictures of this model are {} as they come", mime_type(picture.format)));
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

/// Several rounds: what passes within a minute need not concern the customer.
Result<UpstreamMade> UpstreamWorker::Run::ask(const InHand& hand, const UpstreamOrder& order) {
  std::set<const Upstream*> done_with;  // whom it makes no sense to ask again
  const std::stop_token stop = hand.stop.get_token();
  for (int round = 1;; ++round) {
    auto made = ask_all(hand, order, done_with);
    if (made || !is_for_another(made.error())) return made;
    Error& error = made.error();
    error.field = "model";
    const std::int64_t pause_ms = std::max(options_.back_off_ms * round, error.retry_after_ms);
    const bool is_hopeless = error.retry == Retry::no || pause_ms > options_.retry_after_max;
    if (round == kRoundsMax || is_hopeless) return made;
    pause(pause_ms, stop);
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, "it was cancelled");
  }
}

/// The first that makes it, or else the error that gives most hope.
Result<UpstreamMade> UpstreamWorker::Run::ask_all(const InHand& hand, const UpstreamOrder& order,
                                                  std::set<const Upstream*>& done_with) {
  const Job& job = hand.claimed.job;
  std::optional<Error> last;
  for (const UpstreamRoute& route : parts_.upstreams.makers(job.sold.model)) {
    if (done_with.contains(route.upstream)) continue;
    auto made = parts_.maker.make(
        route, order,
        [&](int percent) {
          parts_.events.publish(
              {.kind = JobEvent::Kind::progress, .job_id = job.id, .step = percent, .steps = 100});
        },
        hand.stop.get_token());
    if (made) {
      parts_.upstreams.succeeded(*route.upstream);
      log(LogLevel::info, "upstream_made", "id={} upstream={} model={} n={} upstream_usd_ticks={}",
          job.id, route.upstream->name, job.sold.model, made->files.size(), made->cost_usd_ticks);
      return made;
    }
    Error& error = made.error();
    if (!is_for_another(error)) {
      if (error.code != ErrorCode::cancelled) parts_.upstreams.succeeded(*route.upstream);
      return made;
    }
    if (error.code == ErrorCode::unavailable) parts_.upstreams.failed(*route.upstream);
    if (error.retry == Retry::no) done_with.insert(route.upstream);
    log(LogLevel::warn, "upstream_failed", "id={} upstream={} model={} reason={:?} why={:?}",
        job.id, route.upstream->name, job.sold.model, error.message, error.detail);
    if (!last || last->retry == Retry::no) last = std::move(error);
  }
  if (last) return tl::unexpected(std::move(*last));
  return tl::unexpected<Error>(Error{
      .code = ErrorCode::unavailable,
      .message = fmt::format("no server that has the model \"{}\" can make it", job.sold.model),
      .field = "model",
      .retry = Retry::no});
}

Result<StoredPicture> UpstreamWorker::Run::kept_picture(const Job& job,
                                                        std::span<const std::uint8_t> file) {
  const auto header = image::check_header(file, {.bytes_max = kUploadBytesMax});
  if (!header || header->format == image::Format::gif)
    return tl::unexpected(not_to_be_read("picture"));
  TRY(judge(job, file, header->format));
  StoredPicture picture = TRY(kept(job, file, file_format(header->format)));
  picture.width = header->width;
  picture.height = header->height;
  return picture;
}

Result<StoredPicture> UpstreamWorker::Run::kept_clip(const Job& job, const VideoRequest& wanted,
                                                     const UpstreamMade& made) {
  const std::span<const std::uint8_t> file = made.files.front();
  if (!looks_like_mp4(file)) return tl::unexpected(not_to_be_read("video"));
  if (parts_.moderator != nullptr) {
    auto frames = parts_.frames_of(file);
    if (!frames)
      return tl::unexpected<Error>(Error{.code = ErrorCode::unavailable,
                                         .message = "nobody can judge what was made",
                                         .detail = frames.error().message,
                                         .reason = ErrorReason::moderation_unavailable});
    for (const image::Picture& frame : *frames) {
      const auto shown =
          TRY(image::encode(frame.view(), image::Format::jpeg, {.quality = kJudgedQuality}));
      TRY(judge(job, shown, image::Format::jpeg));
    }
  }
  StoredPicture clip = TRY(kept(job, file, FileFormat::mp4));
  const bool has_size =
      wanted.task == VideoTask::generation && wanted.frames.aspect_ratio != AspectRatio::auto_;
  if (has_size) {
    const PictureSize size = video_size(wanted.frames.aspect_ratio, wanted.resolution);
    clip.width = size.width;
    clip.height = size.height;
  }
  clip.duration_ms = made.duration_ms > 0 ? made.duration_ms : std::int64_t{1000} * wanted.seconds;
  return clip;
}

Result<StoredPicture> UpstreamWorker::Run::kept(const Job& job, std::span<const std::uint8_t> file,
                                                FileFormat format) {
  std::string blob = TRY(parts_.blobs.put(file));
  return StoredPicture{.id = random_base62(kPictureIdLength),
                       .job_id = job.id,
                       .blob = std::move(blob),
                       .format = format,
                       .size_bytes = static_cast<std::int64_t>(file.size()),
                       .created_ms = parts_.clock.unix_ms(),
                       .reading = {}};
}

Result<void> UpstreamWorker::Run::judge(const Job& job, std::span<const std::uint8_t> file,
                                        image::Format format) {
  if (parts_.moderator == nullptr) return {};
  return parts_.moderator->check_made({.file = file, .format = format},
                                      {.id = job.id, .owner = job.owner, .model = job.sold.model});
}

void UpstreamWorker::Run::pause(std::int64_t ms, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, std::chrono::milliseconds(ms), [] { return false; });
}

UpstreamWorker::UpstreamWorker(Parts parts, UpstreamWorkerOptions options)
    : run_(std::make_unique<Run>(std::move(parts), std::move(options))) {}
UpstreamWorker::~UpstreamWorker() { stop(); }

void UpstreamWorker::start() { run_->start(); }
void UpstreamWorker::stop() { run_->stop(); }
void UpstreamWorker::job_queued() { run_->ring(); }
void UpstreamWorker::job_cancelled(std::string_view job_id) { run_->cancel(job_id); }

}  // namespace imagined::service
