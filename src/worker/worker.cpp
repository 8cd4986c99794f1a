#include "worker/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/crypto.h"
#include "base/log.h"
#include "worker/active_job.h"
#include "worker/finisher.h"
#include "worker/making.h"

namespace imagined::worker {
namespace {

service::Abilities abilities_of(const engine::ModelSummary& summary) {
  const auto use = service::parse_guidance_use(engine::to_string(summary.guidance));
  CHECK(use, "no word for the guidance of model {}", summary.name);
  return {.references_max = summary.max_references,
          .reference_side_px_min = engine::kReferenceSidePxMin,
          .reference_ratio_max = engine::kReferenceRatioMax,
          .masks = summary.inpaints,
          .guidance = *use,
          .guidance_default = summary.default_guidance,
          .clip_frames_per_second = summary.clip_frames_per_second};
}

/// The net of the job loop: a library's exception ends one job, not the worker.
template <class Work>
Result<> guarded(Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::resource_exhausted, "not enough memory for this picture");
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, "the engine failed unexpectedly", {}, error.what());
  }
}

Result<> generate(engine::Engine& engine, const engine::GenerateRequest& request,
                  const engine::Batch& batch, const std::stop_token& stop) {
  return guarded([&] { return engine.generate_batch(request, batch, stop); });
}

}  // namespace

/// Three threads: the caller's runs the engine; `ear_` hears the wire, prolongs leases and
/// notices what was cancelled; the finisher stores.
class Worker::Run {
 public:
  Run(Parts parts, WorkerOptions options) : parts_(std::move(parts)), options_(std::move(options)) {
    if (options_.random_seed == nullptr)
      options_.random_seed = [] { return std::uint64_t{random_seed()}; };
  }

  Result<void> load();
  void run(const std::stop_token& stop);

 private:
  // The engine's thread.
  std::optional<service::ClaimedJob> claim();
  void wait_for_ring();
  void work(const std::shared_ptr<ActiveJob>& active, Finisher& finisher);
  Result<> make_batch(const std::shared_ptr<ActiveJob>& active, const service::Model& model,
                      const engine::GenerateRequest& request, const Wanted& wanted,
                      Finisher& finisher);
  Result<> make(const std::shared_ptr<ActiveJob>& active, const service::Model& model,
                Finisher& finisher);
  engine::Engine* engine_of(const service::Model& model);
  Result<void> load_model(const service::Model& model);
  bool say_ready();
  Result<void> reload(const service::Model& model);

  // The ear's thread.
  void listen(const std::stop_token& stop);
  void hear(const Message& message);
  void look_after_leases();
  void prolong_leases(std::span<const std::shared_ptr<ActiveJob>> active);
  void ring();

  Parts parts_;
  WorkerOptions options_;
  std::map<std::string, std::unique_ptr<engine::Engine>>
      engines_;                      // by Model::weights; null: cannot load
  std::vector<std::string> models_;  // ids of those that can
  ActiveJobs active_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;      // there may be a job in the queue
  bool stopping_ = false;  // no new work
  std::shared_ptr<ActiveJob> in_engine_;
};

Result<void> Worker::Run::load() {
  std::optional<Error> first_error;
  for (const service::Model& model : parts_.catalogue.models()) {
    if (model.elsewhere || engines_.contains(model.weights)) continue;
    const Result<void> loaded = load_model(model);
    if (!loaded && !first_error) first_error = loaded.error();
  }
  if (!say_ready()) {
    CHECK(first_error, "no model and no reason");
    return tl::unexpected(std::move(*first_error));
  }
  return {};
}

Result<void> Worker::Run::load_model(const service::Model& model) {
  std::unique_ptr<engine::Engine>& place = engines_[model.weights];
  place.reset();  // never two copies of the weights in memory
  auto engine = parts_.load_engine(model);
  if (!engine) {
    log(LogLevel::error, "model_not_loaded", "model={} reason={:?}", model.id,
        engine.error().message);
    return tl::unexpected(std::move(engine.error()));
  }
  place = std::move(*engine);
  const engine::ModelSummary& summary = place->summary();
  log(LogLevel::info, "model_loaded",
      "model={} family={} precision={} distilled={} by={:?} cached_references={}", model.id,
      summary.family, engine::to_string(summary.precision), summary.distilled, summary.distilled_by,
      summary.cached_references);
  for (const engine::ModelFile& file : summary.files)
    log(LogLevel::info, "model_file", "model={} part={} file={:?} why={:?}", model.id, file.part,
        file.path.string(), file.why);
  for (const std::string& note : summary.notes)
    log(LogLevel::warn, "model_note", "model={} note={:?}", model.id, note);
  return {};
}

/// Says what can be asked of which model; false when there is none.
bool Worker::Run::say_ready() {
  models_.clear();
  for (const service::Model& model : parts_.catalogue.models())
    if (!model.elsewhere && engine_of(model) != nullptr) models_.push_back(model.id);
  if (models_.empty()) return false;
  std::vector<Message> reports;
  for (const service::Model& model : parts_.catalogue.models()) {
    if (model.elsewhere) continue;
    Message& message = reports.emplace_back(Message{.kind = Message::Kind::model});
    message.report.model = model.id;
    if (const auto* engine = engine_of(model))
      message.report.abilities = abilities_of(engine->summary());
  }
  constexpr std::size_t kAtOnce = 16;
  for (std::span<const Message> rest = reports; !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), kAtOnce));
    parts_.wire.send(some);
    rest = rest.subspan(some.size());
  }
  parts_.wire.send({.kind = Message::Kind::ready, .worker_id = options_.id});
  return true;
}

engine::Engine* Worker::Run::engine_of(const service::Model& model) {
  const auto found = engines_.find(model.weights);
  return found == engines_.end() ? nullptr : found->second.get();
}

void Worker::Run::run(const std::stop_token& stop) {
  // Ended in reverse: the finisher still needs leases and the wire for what it has in hand.
  std::jthread ear([this](const std::stop_token& ending) { listen(ending); });
  Finisher finisher({.jobs = parts_.jobs,
                     .blobs = parts_.blobs,
                     .wire = parts_.wire,
                     .clock = parts_.clock,
                     .active = active_,
                     .jpeg_quality = options_.jpeg_quality,
                     .moderator = parts_.moderator,
                     .retry_pause = std::chrono::milliseconds(options_.poll_ms)});
  const std::stop_callback on_stop(stop, [this] {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (in_engine_) in_engine_->stop.request_stop();
    changed_.notify_all();
  });
  while (true) {
    auto job = claim();
    if (job) {
      const auto active = std::make_shared<ActiveJob>(std::move(*job), parts_.clock.monotonic_ms());
      active_.add(active);
      work(active, finisher);
    } else {
      wait_for_ring();
    }
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
}

std::optional<service::ClaimedJob> Worker::Run::claim() {
  {
    const std::lock_guard lock(mutex_);
    rung_ = false;  // before the look: a ring after it is a reason to look again
    if (stopping_) return std::nullopt;
  }
  auto job = parts_.jobs.claim({.worker_id = options_.id,
                                .models = models_,
                                .kinds = made_kinds(),
                                .lease_ms = options_.lease_ms});
  if (job) return std::move(*job);
  log(LogLevel::error, "claim_failed", "reason={:?} detail={:?}", job.error().message,
      job.error().detail);
  return std::nullopt;
}

void Worker::Run::wait_for_ring() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(options_.poll_ms),
                    [this] { return rung_ || stopping_; });
}

void Worker::Run::work(const std::shared_ptr<ActiveJob>& active, Finisher& finisher) {
  const auto hold = [this](const std::shared_ptr<ActiveJob>& job) {
    const std::lock_guard lock(mutex_);
    in_engine_ = job;
    if (job && stopping_) job->stop.request_stop();
    return stopping_;
  };
  hold(active);
  const service::Model* model = parts_.catalogue.find(active->job().sold.model);
  CHECK(model != nullptr && engine_of(*model) != nullptr,
        "a job for model {} was claimed without it", active->job().sold.model);
  Result<> made = make(active, *model, finisher);
  const bool stopping = hold(nullptr);
  using Kind = Ending::Kind;
  if (!made && made.error().code != ErrorCode::cancelled)
    return finisher.end(active, {.kind = Kind::failed, .error = std::move(made.error())});
  const bool stopped = active->stop.stop_requested();
  finisher.end(active, {.kind = !stopped   ? Kind::done
                                : stopping ? Kind::release
                                           : Kind::drop,
                        .error = {}});
}

Result<> Worker::Run::make(const std::shared_ptr<ActiveJob>& active, const service::Model& model,
                           Finisher& finisher) {
  const std::stop_token stop = active->stop.get_token();
  const auto moved = [&] { active->movement.moved(parts_.clock.monotonic_ms()); };
  const Making making{
      .active = *active,
      .model = model,
      .random_seed = options_.random_seed,
      .read = [&](const auto& request) { return engine_of(model)->read(request); },
      .generate =
          [&](const auto& request, const Wanted& wanted) {
            return make_batch(active, model, request, wanted, finisher);
          },
      .animate =
          [&](const auto& request, const auto& observer) {
            return guarded([&] { return engine_of(model)->animate(request, observer, stop); });
          },
      .draw = [&](const auto& request, auto on_progress) -> Result<image::Picture> {
        image::Picture drawn;
        const engine::Observer observer{.on_progress = std::move(on_progress), .on_preview = {}};
        TRY(generate(*engine_of(model), request,
                     {.seeds = {request.seed},
                      .watch = [&](int) { return observer; },
                      .take = [&](int, image::Picture picture) -> Result<> {
                        drawn = std::move(picture);
                        return {};
                      }},
                     stop));
        return drawn;
      },
      .tell =
          [&](engine::Progress progress) {
            moved();
            parts_.wire.send({.kind = Message::Kind::progress,
                              .job_id = active->job().id,
                              .step = progress.step,
                              .steps = progress.steps});
          },
      .keep =
          [&](MadeClip clip) {
            moved();
            finisher.store(active, std::move(clip));
          },
      .clip_frames_per_second = engine_of(model)->summary().clip_frames_per_second,
      .video_codec = options_.video_codec,
      .judges = parts_.moderator != nullptr,
      .blobs = parts_.blobs,
      .decoder = parts_.decoder};
  const service::JobKind kind = service::kind_of(active->claimed.payload);
  auto made = make_of(kind)(making);
  // Of a clip nothing was handed in, so it is made again as a whole; pictures look after
  // themselves.
  if (made || kind != service::JobKind::videos || engine_of(model)->intact()) return made;
  TRY(reload(model));
  return make_of(kind)(making);
}

Result<> Worker::Run::make_batch(const std::shared_ptr<ActiveJob>& active,
                                 const service::Model& model,
                                 const engine::GenerateRequest& request, const Wanted& wanted,
                                 Finisher& finisher) {
  int made = 0;   // and handed in
  int first = 0;  // of the pictures that are still asked of the engine
  engine::Batch batch{.seeds = wanted.seeds, .watch = {}, .take = {}};
  const auto moved = [&] { active->movement.moved(parts_.clock.monotonic_ms()); };
  batch.watch = [&](int index) {
    const int picture = first + index;
    const auto report = [&, picture](engine::Progress progress) {
      moved();
      parts_.wire.send({.kind = Message::Kind::progress,
                        .job_id = active->job().id,
                        .picture = picture,
                        .step = progress.step,
                        .steps = progress.steps});
    };
    const auto show = [&, picture, number = 0](image::Picture preview) mutable {
      moved();
      finisher.show(active, {.index = picture,
                             .number = number++,
                             .format = wanted.format,
                             .picture = std::move(preview)});
    };
    return engine::Observer{.on_progress = report, .previews = wanted.previews, .on_preview = show};
  };
  batch.take = [&](int index, image::Picture picture) -> Result<> {
    moved();
    finisher.store(active, {.index = first + index,
                            .seed = batch.seeds[static_cast<std::size_t>(index)],
                            .format = wanted.format,
                            .picture = std::move(picture)});
    ++made;
    return {};
  };
  engine::Engine* engine = engine_of(model);
  auto done = generate(*engine, request, batch, active->stop.get_token());
  if (done || engine->intact()) return done;
  // The weights' file was changed under the model, whose numbers are no longer what was checked.
  TRY(reload(model));
  first = made;
  batch.seeds.erase(batch.seeds.begin(), batch.seeds.begin() + made);
  return generate(*engine_of(model), request, batch, active->stop.get_token());
}

/// Loads a model again in place. What cannot be loaded any more is no longer offered; a worker with
/// nothing to offer ends, so that the server sees it and starts another.
Result<void> Worker::Run::reload(const service::Model& model) {
  log(LogLevel::warn, "model_changed", "model={} reason={:?}", model.id,
      "a file of the weights was changed while it was in use; it is loaded again");
  const Result<void> loaded = load_model(model);
  if (loaded) return {};
  if (!say_ready()) {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  return fail(ErrorCode::unavailable,
              fmt::format("the model \"{}\" could not be loaded again", model.id), "model",
              loaded.error().message);
}

void Worker::Run::ring() {
  const std::lock_guard lock(mutex_);
  rung_ = true;
  changed_.notify_all();
}

void Worker::Run::hear(const Message& message) {
  if (message.kind == Message::Kind::job) ring();
  if (message.kind == Message::Kind::cancel) active_.stop(message.job_id);
}

void Worker::Run::listen(const std::stop_token& stop) {
  // Ends the wait for a message when the worker ends.
  const std::stop_callback on_stop(stop, [this] { parts_.wire.interrupt(); });
  std::int64_t looked_ms = parts_.clock.monotonic_ms();
  while (!stop.stop_requested()) {
    const auto message = parts_.wire.receive(static_cast<int>(options_.poll_ms));
    if (!message) {  // the server is gone, and nobody would see the pictures
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      if (in_engine_) in_engine_->stop.request_stop();
      changed_.notify_all();
      return;
    }
    if (*message) hear(**message);
    const std::int64_t now_ms = parts_.clock.monotonic_ms();
    if (*message && now_ms - looked_ms < options_.poll_ms) continue;  // not at every ring
    looked_ms = now_ms;
    look_after_leases();
  }
}

void Worker::Run::look_after_leases() {
  const auto active = active_.all();
  if (active.empty()) return;
  std::vector<service::Lease> leases;
  for (const auto& each : active) leases.push_back(each->claimed.lease());
  // A ring that was lost: the row says that the job was cancelled, or given to another worker.
  const auto lost = parts_.jobs.lost(leases);
  if (!lost) return;  // the next look will tell
  // By the lease and not by the job, which may be in hand again under a new one.
  for (const auto& each : active)
    if (std::ranges::count(*lost, each->job().lease_token, &service::Lease::token) > 0)
      each->stop.request_stop();
  prolong_leases(active);
}

void Worker::Run::prolong_leases(std::span<const std::shared_ptr<ActiveJob>> active) {
  const std::int64_t now_ms = parts_.clock.monotonic_ms();
  std::vector<service::Lease> due;
  for (const auto& each : active) {
    if (each->movement.is_stuck(now_ms, options_.patience)) {
      // Alive is not enough: a lease is for work that gets on.
      if (!std::exchange(each->reported_stuck, true))
        log(LogLevel::error, "job_stuck", "id={} worker={}", each->job().id, options_.id);
      if (options_.on_stuck) std::exchange(options_.on_stuck, nullptr)();
      continue;
    }
    if (now_ms - each->prolonged_ms < options_.heartbeat_ms) continue;
    each->prolonged_ms = now_ms;
    due.push_back(each->claimed.lease());
  }
  const auto prolonged = parts_.jobs.prolong(due, options_.lease_ms);
  if (!prolonged)
    log(LogLevel::warn, "leases_not_prolonged", "reason={:?}", prolonged.error().message);
}

Worker::Worker(Parts parts, WorkerOptions options)
    : run_(std::make_unique<Run>(std::move(parts), std::move(options))) {}
Worker::~Worker() = default;

Result<void> Worker::load() { return run_->load(); }
void Worker::run(std::stop_token stop) { run_->run(stop); }

}  // namespace imagined::worker
