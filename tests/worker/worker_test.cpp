#include "worker/worker_fixture.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <atomic>

#include "image/decode.h"
#include "worker/failing_stores.h"

namespace imagined::worker {
namespace {

using service::JobState;
using testing::ElementsAre;

TEST_F(WorkerTest, StoresAPictureOfTheAskedSizeAndCompletesTheJob) {
  start();
  const std::string id = submit({.aspect_ratio = service::AspectRatio::r16_9});
  const service::Job job = finished(id);
  EXPECT_EQ(job.state, JobState::succeeded);
  const auto pictures = memory_jobs_.pictures(id);
  ASSERT_EQ(pictures->size(), 1u);
  const service::StoredPicture& picture = pictures->front();
  EXPECT_EQ(picture.mime_type, "image/jpeg");
  EXPECT_EQ(picture.id.size(), 22u);
  const auto file = service().read_picture(picture.id);
  EXPECT_EQ(picture.size_bytes, std::ssize(file->bytes));
  const auto header = image::read_header(file->bytes);
  EXPECT_EQ(header->format, image::Format::jpeg);
  EXPECT_EQ(header->width, 1280);
  EXPECT_EQ(header->height, 720);
}

TEST_F(WorkerTest, WritesPngWhenAsked) {
  start();
  const std::string id = submit({.format = image::Format::png});
  finished(id);
  const auto picture = memory_jobs_.pictures(id)->front();
  EXPECT_EQ(picture.mime_type, "image/png");
  EXPECT_EQ(image::read_header(*memory_blobs_.get(picture.blob))->format, image::Format::png);
}

TEST_F(WorkerTest, MakesTheJobThatWasQueuedBeforeItStarted) {
  const std::string id = submit({});
  start();
  EXPECT_EQ(finished(id).state, JobState::succeeded);
}

TEST_F(WorkerTest, GivesTheEngineWhatTheModelSays) {
  std::vector<engine::GenerateRequest> seen;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    seen.push_back(request);
    return grey_picture(request);
  };
  start();
  finished(submit({.model = "quality"}));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].prompt, "a red kite");
  EXPECT_EQ(seen[0].steps, 16);
  EXPECT_EQ(seen[0].guidance, 3.0F);
}

TEST_F(WorkerTest, GivesPictureIOfAJobTheSeedPlusI) {
  std::vector<std::uint64_t> seeds;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    seeds.push_back(request.seed);
    return grey_picture(request);
  };
  start();
  const std::string id = submit({.count = 3, .seed = 18'446'744'073'709'551'614u});
  finished(id);
  EXPECT_THAT(seeds, ElementsAre(18'446'744'073'709'551'614u, 18'446'744'073'709'551'615u, 0u));
  std::vector<std::uint64_t> stored;
  const auto pictures = memory_jobs_.pictures(id);
  for (const auto& picture : *pictures) stored.push_back(picture.seed);
  EXPECT_EQ(stored, seeds);
}

TEST_F(WorkerTest, DrawsAndRemembersASeedPerPictureWhenNoneIsGiven) {
  options_.random_seed = [] {
    static std::atomic<std::uint64_t> next = 40;
    return ++next;
  };
  start();
  const std::string id = submit({.count = 2});
  finished(id);
  const auto pictures = *memory_jobs_.pictures(id);
  EXPECT_EQ(pictures[0].seed, 41u);
  EXPECT_EQ(pictures[1].seed, 42u);
}

TEST_F(WorkerTest, ReportsTheProgressOfEachPicture) {
  behaviour_ = [](const engine::GenerateRequest& request, const Report& report, std::stop_token) {
    for (int step = 1; step <= request.steps; ++step)
      report({.step = step, .steps = request.steps});
    return grey_picture(request);
  };
  start();
  finished(submit({.count = 2}));
  std::vector<std::string> told;
  for (const auto& event : events_.all())
    if (event.kind == service::JobEvent::Kind::progress)
      told.push_back(fmt::format("{}:{}/{}", event.picture, event.step, event.steps));
  EXPECT_THAT(told,
              ElementsAre("0:1/4", "0:2/4", "0:3/4", "0:4/4", "1:1/4", "1:2/4", "1:3/4", "1:4/4"));
}

TEST_F(WorkerTest, StopsACancelledJobWithinAStepAndTakesTheNext) {
  Signal began;
  std::atomic<int> pictures_begun = 0;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&,
                   std::stop_token stop) -> Result<engine::Picture> {
    if (++pictures_begun > 1) return grey_picture(request);
    began.raise();
    EXPECT_TRUE(wait_for_stop(stop)) << "the engine was not told to stop";
    return fail(ErrorCode::cancelled, "cancelled");
  };
  start();
  const std::string id = submit({.count = 5});
  ASSERT_TRUE(began.wait());
  ASSERT_TRUE(service().cancel(id));
  EXPECT_EQ(finished(submit({})).state, JobState::succeeded);
  EXPECT_EQ(memory_jobs_.find(id)->state, JobState::cancelled);
  EXPECT_TRUE(memory_jobs_.pictures(id)->empty());
  EXPECT_EQ(pictures_begun, 2) << "no second picture of the cancelled job";
}

TEST_F(WorkerTest, NoticesACancelWhoseRingWasLost) {
  Signal began;
  Signal stopped;
  behaviour_ = [&](const engine::GenerateRequest&, const Report&,
                   std::stop_token stop) -> Result<engine::Picture> {
    began.raise();
    if (wait_for_stop(stop)) stopped.raise();
    return fail(ErrorCode::cancelled, "cancelled");
  };
  start();
  const std::string id = submit({});
  ASSERT_TRUE(began.wait());
  ASSERT_TRUE(memory_jobs_.cancel(id));  // in the database, and nobody rings
  EXPECT_TRUE(stopped.wait());
}

TEST_F(WorkerTest, FailsTheJobWithTheEnginesErrorAndTakesTheNext) {
  std::atomic<int> calls = 0;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&,
                   std::stop_token) -> Result<engine::Picture> {
    if (++calls == 2)
      return fail(ErrorCode::data_loss, "the picture has values that are not numbers");
    return grey_picture(request);
  };
  start();
  const service::Job failed = finished(submit({.count = 3}));
  EXPECT_EQ(failed.state, JobState::failed);
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->code, ErrorCode::data_loss);
  EXPECT_EQ(failed.error->message, "the picture has values that are not numbers");
  EXPECT_TRUE(memory_jobs_.pictures(failed.id)->empty());
  EXPECT_EQ(finished(submit({})).state, JobState::succeeded);
}

TEST_F(WorkerTest, SurvivesAnExceptionFromALibraryInTheEngine) {
  std::atomic<int> calls = 0;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&,
                   std::stop_token) -> Result<engine::Picture> {
    if (++calls == 1) std::vector<int>().at(1) = 0;  // std::out_of_range
    return grey_picture(request);
  };
  start();
  const service::Job failed = finished(submit({}));
  EXPECT_EQ(failed.state, JobState::failed);
  EXPECT_EQ(failed.error->code, ErrorCode::internal);
  EXPECT_EQ(finished(submit({})).state, JobState::succeeded);
}

TEST_F(WorkerTest, StoresWhileTheEngineMakesTheNextPicture) {
  /// Does not store the first picture before the engine is at the second.
  class PatientStore final : public service::BlobStore {
   public:
    PatientStore(service::BlobStore& store, Signal& signal) : store_(store), signal_(signal) {}
    Result<std::string> put(std::span<const std::uint8_t> bytes) override {
      if (!signal_.wait()) return fail(ErrorCode::internal, "the engine waits for the store");
      return store_.put(bytes);
    }
    Result<void> check_room() override { return {}; }
    Result<std::vector<std::uint8_t>> get(std::string_view hash) override {
      return store_.get(hash);
    }

   private:
    service::BlobStore& store_;
    Signal& signal_;
  };
  Signal at_second;
  PatientStore patient(memory_blobs_, at_second);
  use(patient);
  std::atomic<int> calls = 0;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    if (++calls == 2) at_second.raise();
    return grey_picture(request);
  };
  start();
  EXPECT_EQ(finished(submit({.count = 2})).state, JobState::succeeded);
}

TEST_F(WorkerTest, FailsTheJobWhoseNthPictureFindsTheDiskFullAndGoesOn) {
  Fault fault;
  FailingBlobStore failing(memory_blobs_, fault);
  use(failing);
  start();
  for (int nth = 0; nth < 3; ++nth) {
    fault.arm(nth, {.code = ErrorCode::storage_full,
                    .message = "no room left to store data",
                    .detail = "/a/path"});
    const service::Job failed = finished(submit({.count = 3}));
    EXPECT_EQ(failed.state, JobState::failed);
    ASSERT_TRUE(failed.error);
    EXPECT_EQ(failed.error->code, ErrorCode::storage_full);
    EXPECT_EQ(failed.error->message, "no room left to store data");
    EXPECT_EQ(finished(submit({.count = 3})).state, JobState::succeeded);
  }
}

TEST_F(WorkerTest, LosesNoJobWhenAnyOneCallOfItsStoreFails) {
  Fault fault;
  FailingJobStore failing(memory_jobs_, fault);
  use(failing);
  options_.heartbeat_ms = 0;
  start();
  for (int nth = 0; nth < 12; ++nth) {
    fault.arm(nth, {.code = ErrorCode::unavailable, .message = "the database is busy"});
    const std::string id = submit({});
    ASSERT_TRUE(events_.wait_finished(id) || nth >= 0);
    // What could not be settled is settled by the server, as after an expired lease.
    ASSERT_TRUE(service().rescue(service::Stranded::of_worker("w1")));
    const std::string next = submit({});
    EXPECT_TRUE(service::is_final(finished(next).state)) << "call " << nth;
  }
}

TEST_F(WorkerTest, ProlongsTheLeaseOfALongJob) {
  Fault none;
  FailingJobStore counting(memory_jobs_, none);
  use(counting);
  options_.heartbeat_ms = 0;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (counting.heartbeat_count < 3 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    return grey_picture(request);
  };
  start();
  EXPECT_EQ(finished(submit({})).state, JobState::succeeded);
  EXPECT_GE(counting.heartbeat_count, 3);
}

TEST_F(WorkerTest, GivesItsJobBackWhenItIsStopped) {
  Signal began;
  behaviour_ = [&](const engine::GenerateRequest&, const Report&,
                   std::stop_token stop) -> Result<engine::Picture> {
    began.raise();
    wait_for_stop(stop);
    return fail(ErrorCode::cancelled, "cancelled");
  };
  start();
  const std::string id = submit({});
  ASSERT_TRUE(began.wait());
  stop_worker();
  EXPECT_EQ(memory_jobs_.find(id)->state, JobState::queued);
  EXPECT_EQ(memory_jobs_.find(id)->attempt, 0);
}

TEST_F(WorkerTest, EndsWhenTheServerIsGone) {
  Signal began;
  behaviour_ = [&](const engine::GenerateRequest&, const Report&,
                   std::stop_token stop) -> Result<engine::Picture> {
    began.raise();
    EXPECT_TRUE(wait_for_stop(stop));
    return fail(ErrorCode::cancelled, "cancelled");
  };
  start();
  submit({});
  ASSERT_TRUE(began.wait());
  link_.reset();
  thread_.join();
}

TEST_F(WorkerTest, MakesTheJobOfADeadWorkerInASecondAttempt) {
  const std::string id = submit({});
  ASSERT_TRUE(*memory_jobs_.claim("dead", 60'000));
  start();
  EXPECT_EQ(service().rescue(service::Stranded::of_worker("dead")), 1);
  const service::Job job = finished(id);
  EXPECT_EQ(job.state, JobState::succeeded);
  EXPECT_EQ(job.attempt, 2);
}

TEST_F(WorkerTest, AJobThatKillsItsWorkerTwiceFailsAndIsReported) {
  const std::string id = submit({});
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(*memory_jobs_.claim("dying", 60'000));
    ASSERT_TRUE(service().rescue(service::Stranded::of_worker("dying")));
  }
  const service::Job job = finished(id);
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_EQ(job.error->message, "the worker stopped twice while making this picture");
}

TEST_F(WorkerTest, OpensEachPathOnceAndSaysWhichModelsAreReady) {
  start();
  ASSERT_TRUE(ready_.wait());
  EXPECT_THAT(ready_models_, ElementsAre("fast", "quality", "other"));
  EXPECT_THAT(loaded_paths_, ElementsAre("weights", "other-weights"));
}

TEST_F(WorkerTest, ServesTheOtherModelsWhenOneCannotBeLoaded) {
  broken_path_ = "other-weights";
  start();
  ASSERT_TRUE(ready_.wait());
  EXPECT_THAT(ready_models_, ElementsAre("fast", "quality"));
  const service::Job failed = finished(submit({.model = "other"}));
  EXPECT_EQ(failed.state, JobState::failed);
  EXPECT_EQ(failed.error->code, ErrorCode::unavailable);
  EXPECT_EQ(failed.error->message, "the model \"other\" could not be loaded");
  EXPECT_EQ(finished(submit({})).state, JobState::succeeded);
}

TEST_F(WorkerTest, DoesNotStartWithoutAnyModel) {
  catalogue_ = *service::Catalogue::make({{.id = "only", .path = "broken"}}, {});
  broken_path_ = "broken";
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "tensor \"x\": cut file");
}

}  // namespace
}  // namespace imagined::worker
