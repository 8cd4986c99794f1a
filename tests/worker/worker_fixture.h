// A worker with an engine that does as it is told, stores in memory, and the server's side.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"
#include "service/jobs/job_queue.h"
#include "service/pictures/image_service.h"
#include "storage/memory/memory_blob_store.h"
#include "storage/memory/memory_job_store.h"
#include "storage/process/process_job_events.h"
#include "storage/process/process_limit_store.h"
#include "worker/wire.h"
#include "worker/worker.h"

namespace imagined::worker {

/// Only a broken test waits so long.
inline constexpr std::chrono::seconds kPatience{20};

/// A flag that one thread raises and others wait for.
class Signal {
 public:
  void raise() {
    const std::lock_guard lock(mutex_);
    raised_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return raised_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool raised_ = false;
};

/// For what another thread brings about without telling; false when it does not.
template <class Condition>
bool wait_until(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// Returns when the token is stopped: what a well-behaved engine does within a step.
inline bool wait_for_stop(const std::stop_token& stop) {
  Signal stopped;
  const std::stop_callback on_stop(stop, [&] { stopped.raise(); });
  return stopped.wait();
}

inline image::Picture grey_picture(const engine::GenerateRequest& request) {
  image::Picture picture{.width = request.width, .height = request.height, .pixels = {}};
  picture.pixels.assign(static_cast<std::size_t>(request.width * request.height * 3), 128);
  return picture;
}

using Report = std::function<void(engine::Progress)>;
using Behaviour = std::function<Result<image::Picture>(const engine::GenerateRequest&,
                                                       const Report&, std::stop_token)>;

/// What a behaviour says for a file that was changed under the model.
inline constexpr const char* kFileChanged = "the file was written to";

class FakeEngine final : public engine::Engine {
 public:
  FakeEngine(Behaviour& behaviour, std::vector<engine::ClipRequest>& clips)
      : behaviour_(behaviour), clips_(clips) {}
  const engine::ModelSummary& summary() const override { return summary_; }
  engine::RequestReading read(const engine::GenerateRequest&) const override {
    return {.prompt_tokens = 700, .tokens_read = 512, .warnings = {"the prompt was cut"}};
  }
  Result<engine::PictureCost> cost(const engine::GenerateRequest&) const override {
    return engine::PictureCost();
  }
  Result<engine::PictureCost> cost(const engine::ClipRequest&) const override {
    return engine::PictureCost();
  }
  /// The weights' file was changed when a picture failed so.
  Result<> intact() const override {
    if (intact_) return {};
    return fail(ErrorCode::data_loss, "model.safetensors: the file was written to");
  }
  Result<> generate_batch(const engine::GenerateRequest& asked, const engine::Batch& batch,
                          std::stop_token stop) override {
    engine::GenerateRequest request = asked;
    for (int i = 0; i < std::ssize(batch.seeds); ++i) {
      if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
      request.seed = batch.seeds[static_cast<std::size_t>(i)];
      image::Picture picture = TRY(make_one(request, batch.watch(i), stop));
      TRY(batch.take(i, std::move(picture)));
    }
    return {};
  }
  /// Frames of one grey, each darker than the one before; the first as it was given.
  Result<> animate(const engine::ClipRequest& request, const engine::ClipObserver& observer,
                   std::stop_token stop) override {
    clips_.push_back(request);
    for (int i = 0; i < request.frames; ++i) {
      if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
      image::Picture frame{.width = request.width, .height = request.height, .pixels = {}};
      const int first = request.first_frame ? request.first_frame->pixels.front() : 200;
      frame.pixels.assign(static_cast<std::size_t>(frame.width * frame.height * 3),
                          static_cast<std::uint8_t>(first - 8 * i));
      TRY(observer.take(std::move(frame)));
      observer.on_progress({.step = i + 1, .steps = request.frames});
    }
    return {};
  }

 private:
  Result<image::Picture> make_one(const engine::GenerateRequest& request,
                                  const engine::Observer& observer, const std::stop_token& stop) {
    for (int i = 0; i < observer.previews && observer.on_preview; ++i)
      observer.on_preview(grey_picture(request));
    auto made = behaviour_(request, observer.on_progress, stop);
    if (!made && made.error().message == kFileChanged) intact_ = false;
    return made;
  }

  Behaviour& behaviour_;
  std::vector<engine::ClipRequest>& clips_;  // that were asked for
  engine::ModelSummary summary_{.default_guidance = 2.5F,
                                .guidance = engine::GuidanceUse::two_passes,
                                .max_references = 8,
                                .inpaints = true,
                                .clip_frames_per_second = 4};
  bool intact_ = true;
};

/// Events of all jobs, to be waited for.
class EventLog final : public service::JobEvents {
 public:
  void publish(const service::JobEvent& event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
  }
  service::Subscription subscribe(std::string_view, Callback) override { return {}; }

  bool wait_finished(const std::string& job_id) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] {
      return std::ranges::any_of(events_, [&](const service::JobEvent& event) {
        return event.kind == service::JobEvent::Kind::finished && event.job_id == job_id;
      });
    });
  }
  /// Also when it is told of more than once on the way.
  bool wait_final(service::JobStore& jobs, const std::string& job_id) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience,
                             [&] { return service::is_final(jobs.find(job_id)->state); });
  }
  std::vector<service::JobEvent> all() {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<service::JobEvent> events_;
};

class WorkerTest : public testing::Test {
 protected:
  WorkerTest()
      : fds_(*make_wire()),
        worker_end_(fds_.worker_fd),
        link_(std::make_unique<ServerWire>(
            fds_.server_fd, events_,
            ServerWire::Callbacks{.on_ready =
                                      [this](std::vector<service::ModelReport> reports) {
                                        reports_ = std::move(reports);
                                        ready_models_.clear();
                                        for (const auto& report : reports_)
                                          if (report.abilities)
                                            ready_models_.push_back(report.model);
                                        ready_.raise();
                                      },
                                  .on_closed = {}})) {
    behaviour_ = [](const engine::GenerateRequest& request, const Report&, std::stop_token) {
      return grey_picture(request);
    };
    options_ = {.id = "w1", .lease_ms = 60'000, .heartbeat_ms = 20'000, .poll_ms = 5};
  }

  ~WorkerTest() override { stop_worker(); }

  /// Ends the worker, which uses a test's own store, before the store ends.
  class Stopper {
   public:
    explicit Stopper(WorkerTest& test) : test_(test) {}
    ~Stopper() { test_.stop_worker(); }
    Stopper(const Stopper&) = delete;
    Stopper& operator=(const Stopper&) = delete;

   private:
    WorkerTest& test_;
  };

  /// Another store in place of the one in memory; before `start`.
  [[nodiscard]] Stopper use(service::JobStore& jobs) {
    jobs_ = &jobs;
    return Stopper(*this);
  }
  [[nodiscard]] Stopper use(service::BlobStore& blobs) {
    blobs_ = &blobs;
    return Stopper(*this);
  }

  Result<void> load() {
    worker_ = std::make_unique<Worker>(
        Worker::Parts{.catalogue = catalogue_,
                      .jobs = *jobs_,
                      .blobs = *blobs_,
                      .wire = worker_end_,
                      .decoder = decoder_,
                      .clock = clock_,
                      .load_engine = [this](const service::Model& model)
                          -> Result<std::unique_ptr<engine::Engine>> {
                        loaded_paths_.push_back(model.path);
                        if (model.path == broken_path_)
                          return fail(ErrorCode::data_loss, "tensor \"x\": cut file");
                        return std::make_unique<FakeEngine>(behaviour_, clips_);
                      },
                      .moderator = moderator_},
        options_);
    return worker_->load();
  }

  void start() {
    ASSERT_TRUE(load());
    thread_ = std::jthread([this](std::stop_token stop) { worker_->run(std::move(stop)); });
  }

  void stop_worker() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }

  /// The server's side, as long as the link is there.
  service::JobQueue queue() { return {memory_jobs_, events_, bell_}; }

  /// The server's bell, while the link is there.
  class LinkBell final : public service::WorkerBell {
   public:
    explicit LinkBell(std::unique_ptr<ServerWire>& link) : link_(link) {}
    void job_queued() override {
      if (link_) link_->job_queued();
    }
    void job_cancelled(std::string_view job_id) override {
      if (link_) link_->job_cancelled(job_id);
    }

   private:
    std::unique_ptr<ServerWire>& link_;
  };

  struct Wish {
    int count = 1;
    std::optional<std::uint64_t> seed;
    std::string model = "fast";
    service::AspectRatio aspect_ratio = service::AspectRatio::r1_1;
    image::Format format = image::Format::jpeg;
    int previews = 0;
  };
  std::string submit(const Wish& wish) {
    return submit_payload(
        service::PictureRequest{.model = wish.model,
                                .prompt = *service::Prompt::parse("a red kite", 8000),
                                .count = wish.count,
                                .aspect_ratio = wish.aspect_ratio,
                                .seed = wish.seed,
                                .format = wish.format,
                                .previews = wish.previews});
  }
  std::string submit_payload(service::JobPayload payload) {
    service::JobQueue jobs = queue();
    const auto policies = service::ModerationPolicies::make({}, {});
    service::Moderator moderator(
        {.policies = *policies, .ledger = memory_jobs_.ledger(), .clock = clock_});
    service::ImageService images({.catalogue = catalogue_,
                                  .queue = jobs,
                                  .archive = memory_jobs_,
                                  .blobs = memory_blobs_,
                                  .workers = everybody_,
                                  .admission = admission_,
                                  .ledger = memory_jobs_.ledger(),
                                  .moderator = moderator,
                                  .clock = clock_});
    const auto order = images.submit({.scopes = service::ScopeSet::all()}, std::move(payload));
    EXPECT_TRUE(order) << order.error().message;
    return order->job.id;
  }

  /// Jobs of every model are taken: what a worker does with them is the question here.
  class Everybody final : public service::WorkerPool {
   public:
    bool is_ready() const override { return true; }
    bool accepts(std::string_view) const override { return true; }
  };

  /// As another worker would.
  service::ClaimedJob claim_as(std::string_view worker_id) {
    const std::vector<std::string> models = {"fast", "quality", "other"};
    constexpr service::JobKind kKinds[] = {service::JobKind::pictures};
    return **memory_jobs_.claim(
        {.worker_id = worker_id, .models = models, .kinds = kKinds, .lease_ms = 60'000});
  }

  service::Job finished(const std::string& job_id) {
    EXPECT_TRUE(events_.wait_finished(job_id));
    return *memory_jobs_.find(job_id);
  }

  SystemClock clock_;
  service::Catalogue catalogue_ = *service::Catalogue::make(
      {{.id = "fast", .path = "weights", .steps = 4},
       {.id = "quality", .path = "weights", .steps = 16, .guidance = 3.0F},
       {.id = "other", .path = "other-weights"}},
      {});
  // Its children are this program: worker_edit_test.cpp has the main function.
  decoder::Decoder decoder_{{.executable = "/proc/self/exe", .arguments = {"decode"}}};
  storage::MemoryJobStore memory_jobs_{clock_};
  storage::ProcessLimitStore limits_{clock_};
  service::Admission admission_{limits_, clock_};
  storage::MemoryBlobStore memory_blobs_{clock_};
  Everybody everybody_;
  service::Moderator* moderator_ = nullptr;
  service::JobStore* jobs_ = &memory_jobs_;
  service::BlobStore* blobs_ = &memory_blobs_;
  EventLog events_;
  Signal ready_;
  std::vector<service::ModelReport> reports_;
  std::vector<std::string> ready_models_;
  std::vector<std::string> loaded_paths_;
  std::string broken_path_;
  Behaviour behaviour_;
  std::vector<engine::ClipRequest> clips_;  // to be read when their job has ended
  WorkerOptions options_;
  WirePair fds_;
  Wire worker_end_;
  std::unique_ptr<ServerWire> link_;
  LinkBell bell_{link_};
  std::unique_ptr<Worker> worker_;
  std::jthread thread_;
};

}  // namespace imagined::worker
