// The domain on in-memory stores, for servers of the API; the test takes the place of the worker.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <atomic>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/call/call.h"
#include "base/log.h"
#include "contract/passing_blob_store.h"
#include "contract/some_job.h"
#include "service/ports/worker_bell.h"
#include "storage/memory/memory_blob_store.h"
#include "storage/memory/memory_job_store.h"
#include "storage/memory/memory_key_store.h"
#include "storage/memory/memory_session_store.h"
#include "storage/process/process_job_events.h"
#include "storage/process/process_limit_store.h"

namespace imagined::api {

using service::ClaimedJob;
using service::JobState;
using std::chrono::milliseconds;

// Counts rings, so that a test can wait for one.
class CountingBell final : public service::WorkerBell {
 public:
  void job_queued() override { ring(rings_); }
  void job_cancelled(std::string_view) override { ring(cancels_); }
  void wait_for_job() { wait(rings_); }
  void wait_for_cancel() { wait(cancels_); }

 private:
  static void ring(std::atomic<int>& counter) {
    ++counter;
    counter.notify_all();
  }
  static void wait(std::atomic<int>& counter) {
    counter.wait(0);
    --counter;
  }
  std::atomic<int> rings_ = 0;
  std::atomic<int> cancels_ = 0;
};

// One picture lies there.
class EmptyWeb final : public service::RemotePictures {
 public:
  Result<void> fetch(std::string_view url, const Limits&, const Sink& sink) override {
    if (url != "https://a.example/one.png")
      return fail(ErrorCode::invalid_argument, "the URL could not be fetched");
    const std::string bytes = "from the web";
    return sink({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }
  Result<void> check(std::string_view) override { return {}; }
  Result<void> put(std::string_view, std::span<const std::uint8_t>, std::string_view,
                   std::chrono::steady_clock::time_point) override {
    return fail(ErrorCode::invalid_argument, "the URL could not be fetched");
  }
};

// Runs out of memory when it is asked to.
class HungryBlobStore final : public PassingBlobStore {
 public:
  using PassingBlobStore::PassingBlobStore;

  std::atomic<bool> hungry = false;
  Result<std::vector<std::uint8_t>> get(std::string_view hash) override {
    auto bytes = PassingBlobStore::get(hash);
    if (hungry) bytes->reserve(bytes->max_size());
    return bytes;
  }
};

// Nothing was ever made.
class NoHistory final : public service::History {
 public:
  Result<std::vector<service::MadePicture>> pictures(const service::HistoryQuery&) override {
    return std::vector<service::MadePicture>();
  }
  Result<std::vector<service::MadeJob>> jobs(const service::HistoryQuery&) override {
    return std::vector<service::MadeJob>();
  }
  Result<std::vector<service::BlockedRequest>> blocked(const service::HistoryQuery&) override {
    return std::vector<service::BlockedRequest>();
  }
  Result<void> rename_picture(std::string_view, std::string_view) override {
    return fail(ErrorCode::not_found, "no such picture");
  }
};

class SwitchedPool final : public service::WorkerPool {
 public:
  std::atomic<bool> ready = true;
  bool is_ready() const override { return ready; }
  bool accepts(std::string_view) const override { return ready; }
};

class SomeServices : public ::testing::Test {
 protected:
  SomeServices()
      : catalogue_(*service::Catalogue::make(
            {{.id = "fast", .path = "x", .price_usd_ticks = 200'000'000}}, {})),
        keys_(key_store_, clock_, {.pepper = "pepper"}) {
    set_log_level(LogLevel::off);
    key_ = keys_.create({.name = "test"}, {.name = "test"})->secret;
  }

  Services services() {
    return {.catalogue = catalogue_,
            .images = images_,
            .intake = intake_,
            .delivery = delivery_,
            .files = files_,
            .watcher = watcher_,
            .keys = keys_,
            .desk = desk_,
            .first_owner = first_owner_,
            .sessions = sessions_,
            .usage = usage_,
            .history = history_,
            .admission = admission_,
            .links = links_,
            .workers = workers_,
            .outcomes = outcomes_,
            .clock = clock_};
  }

  // The job that a request has queued, in the hands of the worker.
  ClaimedJob claim() {
    bell_.wait_for_job();
    const std::vector<std::string> models = {"fast"};
    constexpr service::JobKind kKinds[] = {service::JobKind::pictures, service::JobKind::edits};
    return **jobs_.claim({.worker_id = "w", .models = models, .kinds = kKinds, .lease_ms = 60'000});
  }

  // That nobody waits for.
  ClaimedJob another_running_job() {
    EXPECT_TRUE(jobs_.insert(some_job(clock_)));
    return claim_from(jobs_);
  }

  void complete(const ClaimedJob& job, bool tell = true) {
    std::vector<service::StoredPicture> pictures;
    for (int i = 0; i < service::wanted_pictures(job.payload).count; ++i) {
      const std::vector<std::uint8_t> bytes = {'p', static_cast<std::uint8_t>('0' + i)};
      pictures.push_back(
          {.id = fmt::format("{:022}", i),
           .job_id = job.job.id,
           .index = i,
           .blob = *blobs_.put(bytes),
           .size_bytes = 2,
           .reading = {
               .prompt_tokens = 700, .tokens_read = 512, .warnings = {"100 % of \"\u8d64\""}}});
    }
    EXPECT_TRUE(jobs_.complete(job.lease(), pictures));
    if (tell) events_.publish({.job_id = job.job.id});
  }

  void fail_job(const ClaimedJob& job, Error error) {
    EXPECT_TRUE(jobs_.fail(job.lease(), error));
    events_.publish({.job_id = job.job.id});
  }
  JobState state_of(const ClaimedJob& job) { return jobs_.find(job.job.id)->state; }

  SystemClock clock_;
  service::Catalogue catalogue_;
  storage::MemoryJobStore jobs_{clock_};
  storage::MemoryBlobStore memory_blobs_{clock_};
  HungryBlobStore blobs_{memory_blobs_};
  EmptyWeb web_;
  storage::MemoryKeyStore key_store_{clock_};
  storage::ProcessJobEvents events_;
  CountingBell bell_;
  service::KeyService keys_;
  service::KeyDesk desk_{keys_, key_store_};
  service::FirstOwner first_owner_{keys_, clock_};
  service::UsageDesk usage_{jobs_.ledger()};
  SwitchedPool workers_;
  service::JobQueue queue_{jobs_, events_, bell_};
  storage::ProcessLimitStore limits_{clock_};
  storage::MemorySessionStore session_store_{key_store_};
  service::Sessions sessions_{{session_store_, keys_, limits_, clock_},
                              {.passes = 1, .memory_kib = 8}};
  service::Admission admission_{limits_, clock_, {.per_second = 1'000, .per_minute = 10'000}};
  service::ModerationPolicies policies_ = *service::ModerationPolicies::make(
      {.words = {{.category = "birds", .one_of_each = {{"owl"}}}}}, {});
  service::Moderator moderator_{{.policies = policies_, .ledger = jobs_.ledger(), .clock = clock_}};
  service::ImageService images_{{.catalogue = catalogue_,
                                 .queue = queue_,
                                 .archive = jobs_,
                                 .blobs = blobs_,
                                 .workers = workers_,
                                 .admission = admission_,
                                 .ledger = jobs_.ledger(),
                                 .moderator = moderator_,
                                 .clock = clock_},
                                {.queue_limit = 2}};
  service::FileService files_{jobs_.files(), blobs_, clock_};
  service::Intake intake_{blobs_, web_, images_, files_};
  service::Delivery delivery_{images_, web_};
  service::JobWatcher watcher_{jobs_, queue_, events_, milliseconds(20)};
  NoHistory nothing_made_;
  service::HistoryDesk history_{{.history = nothing_made_,
                                 .archive = jobs_,
                                 .blobs = blobs_,
                                 .queue = queue_,
                                 .events = events_,
                                 .admission = admission_,
                                 .workers = workers_,
                                 .clock = clock_},
                                "cpu"};
  service::Links links_{service::UrlSigner(std::string(32, 's')), clock_};
  CallOutcomes outcomes_;
  std::string key_;
};

}  // namespace imagined::api
