#include "worker/worker_fixture.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <atomic>

#include "image/decode.h"
#include "worker/active_job.h"
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
  EXPECT_EQ(picture.format, service::FileFormat::jpeg);
  EXPECT_EQ(picture.id.size(), 22u);
  const auto bytes = *memory_blobs_.get(picture.blob);
  EXPECT_EQ(picture.size_bytes, std::ssize(bytes));
  const auto header = image::read_header(bytes);
  EXPECT_EQ(header->format, image::Format::jpeg);
  EXPECT_EQ(header->width, 1280);
  EXPECT_EQ(header->height, 720);
}

TEST_F(WorkerTest, WritesPngWhenAsked) {
  start();
  const std::string id = submit({.format = image::Format::png});
  finished(id);
  const auto picture = memory_jobs_.pictures(id)->front();
  EXPECT_EQ(picture.format, service::FileFormat::png);
  EXPECT_EQ(image::read_header(*memory_blobs_.get(picture.blob))->format, image::Format::png);
}

TEST_F(WorkerTest, WritesDownHowTheModelHasReadTheRequest) {
  start();
  const std::string id = submit({.count = 2});
  finished(id);
  const auto pictures = *memory_jobs_.pictures(id);
  ASSERT_EQ(pictures.size(), 2u);
  for (const service::StoredPicture& picture : pictures) {
    EXPECT_EQ(picture.reading.prompt_tokens, 700);
    EXPECT_EQ(picture.reading.tokens_read, 512);
    EXPECT_EQ(picture.reading.warnings, std::vector<std::string>{"the prompt was cut"});
  }
}

TEST_F(WorkerTest, MakesTheJobThatWasQueuedBeforeItStarted) {
  const std::string id = submit({});
  start();
  EXPECT_EQ(finished(id).state, JobState::succeeded);
}

TEST_F(WorkerTest, GivesTheEngineWhatWasSold) {
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

TEST_F(WorkerTest, MakesWhatWasSoldWhateverTheCatalogueSaysByNow) {
  std::vector<engine::GenerateRequest> seen;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    seen.push_back(request);
    return grey_picture(request);
  };
  const std::string id = submit({.model = "quality"});
  catalogue_ = *service::Catalogue::make(
      {{.id = "quality", .path = "weights", .steps = 50, .guidance = 9.0F}}, {});
  start();
  finished(id);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].steps, 16);
  EXPECT_EQ(seen[0].guidance, 3.0F);
}

TEST_F(WorkerTest, MakesAJobOfAProgramThatKeptNoStepsAsTheCatalogueSays) {
  std::vector<engine::GenerateRequest> seen;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    seen.push_back(request);
    return grey_picture(request);
  };
  service::PictureRequest request{.prompt = service::Prompt::trusted("a red kite")};
  service::Job job;
  job.id = "old";
  job.sold.model = "quality";
  ASSERT_TRUE(memory_jobs_.insert(
      {.job = job, .payload = std::move(request), .queue_limit = 1, .request_hash = {}}));
  start();
  finished("old");
  ASSERT_EQ(seen.size(), 1u);
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
  static std::atomic<std::uint64_t> next;
  next = 40;
  options_.random_seed = [] { return ++next; };
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

TEST_F(WorkerTest, ShowsThePreviewsThatAreAskedFor) {
  start();
  finished(submit({.count = 2, .previews = 1}));
  std::vector<std::string> told;
  for (const auto& event : events_.all()) {
    if (event.kind != service::JobEvent::Kind::preview) continue;
    told.push_back(fmt::format("{}:{}", event.picture, event.number));
    const auto file = memory_blobs_.get(event.blob);
    ASSERT_TRUE(file.has_value());
    const auto picture = image::decode(*file);
    ASSERT_TRUE(picture.has_value());
    EXPECT_EQ(picture->width, event.width);
    EXPECT_EQ(picture->height, event.height);
  }
  EXPECT_THAT(told, ElementsAre("0:0", "1:0"));
}

TEST_F(WorkerTest, StopsACancelledJobWithinAStepAndTakesTheNext) {
  Signal began;
  std::atomic<int> pictures_begun = 0;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&,
                   std::stop_token stop) -> Result<image::Picture> {
    if (++pictures_begun > 1) return grey_picture(request);
    began.raise();
    EXPECT_TRUE(wait_for_stop(stop)) << "the engine was not told to stop";
    return fail(ErrorCode::cancelled, "cancelled");
  };
  start();
  const std::string id = submit({.count = 5});
  ASSERT_TRUE(began.wait());
  ASSERT_TRUE(queue().give_up(id, service::EndedBy::client_gone));
  EXPECT_EQ(finished(submit({})).state, JobState::succeeded);
  EXPECT_EQ(memory_jobs_.find(id)->state, JobState::cancelled);
  EXPECT_TRUE(memory_jobs_.pictures(id)->empty());
  EXPECT_EQ(pictures_begun, 2) << "no second picture of the cancelled job";
}

TEST_F(WorkerTest, NoticesACancelWhoseRingWasLost) {
  Signal began;
  Signal stopped;
  behaviour_ = [&](const engine::GenerateRequest&, const Report&,
                   std::stop_token stop) -> Result<image::Picture> {
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
                   std::stop_token) -> Result<image::Picture> {
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
                   std::stop_token) -> Result<image::Picture> {
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
  class PatientStore final : public PassingBlobStore {
   public:
    PatientStore(service::BlobStore& store, Signal& signal)
        : PassingBlobStore(store), signal_(signal) {}
    Result<std::string> put(std::span<const std::uint8_t> bytes) override {
      if (!signal_.wait()) return fail(ErrorCode::internal, "the engine waits for the store");
      return PassingBlobStore::put(bytes);
    }

   private:
    Signal& signal_;
  };
  Signal at_second;
  PatientStore patient(memory_blobs_, at_second);
  const auto stopper_of_patient = use(patient);
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
  const auto stopper_of_failing = use(failing);
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

TEST_F(WorkerTest, LosesNoJobWhenCallsOfItsStoreFail) {
  Fault fault;
  FailingJobStore failing(memory_jobs_, fault);
  const auto stopper_of_failing = use(failing);
  options_.heartbeat_ms = 0;
  start();
  for (const int times : {1, 2, 3})
    for (int nth = 0; nth < 8; ++nth) {
      const std::string at = fmt::format("{} calls from {} on", times, nth);
      fault.arm(nth, {.code = ErrorCode::unavailable, .message = "the database is busy"}, times);
      const std::string id = submit({});
      // What the store does not take is told again, long before the lease ends.
      ASSERT_TRUE(events_.wait_final(memory_jobs_, id)) << at;
      fault.disarm();
      // Made, or failed with the store's own reason: never gone, never in between.
      const service::Job job = *memory_jobs_.find(id);
      const std::size_t pictures = memory_jobs_.pictures(id)->size();
      if (job.state == JobState::failed) {
        EXPECT_EQ(job.error->message, "the database is busy") << at;
      } else {
        EXPECT_EQ(job.state, JobState::succeeded) << at;
      }
      EXPECT_EQ(pictures, job.state == JobState::succeeded ? 1u : 0u) << at;
    }
}

TEST_F(WorkerTest, SettlesAFailedJobOnceTheStoreIsThereAgain) {
  Fault fault;
  FailingJobStore failing(memory_jobs_, fault);
  const auto stopper_of_failing = use(failing);
  behaviour_ = [&](const engine::GenerateRequest&, const Report&,
                   const std::stop_token&) -> Result<image::Picture> {
    fault.arm(0, {.code = ErrorCode::unavailable, .message = "the database is busy"}, 1'000'000);
    return fail(ErrorCode::internal, "the engine failed");
  };
  start();
  const std::string id = submit({});
  ASSERT_TRUE(wait_until([&] { return failing.failures >= 3; }));
  EXPECT_EQ(memory_jobs_.find(id)->state, JobState::running);
  fault.disarm();
  ASSERT_TRUE(events_.wait_finished(id));
  const service::Job job = *memory_jobs_.find(id);
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_EQ(job.error->message, "the engine failed");
}

TEST_F(WorkerTest, TheJobsOfADeadWorkerAreRescuedOnceTheStoreIsThereAgain) {
  Fault fault;
  FailingJobStore failing(memory_jobs_, fault);
  service::JobQueue queue(failing, events_, bell_);
  const std::string id = submit({});
  ASSERT_EQ(claim_as("dead").job.id, id);
  fault.arm(0, {.code = ErrorCode::unavailable, .message = "the database is busy"}, 2);
  EXPECT_FALSE(queue.rescue(service::Stranded::of_worker("dead")));
  EXPECT_FALSE(queue.rescue(service::Stranded::by_lease()));
  EXPECT_EQ(queue.rescue(service::Stranded::by_lease()), 1);
  EXPECT_EQ(memory_jobs_.find(id)->state, JobState::queued);
  EXPECT_EQ(queue.rescue(service::Stranded::by_lease()), 0);
}

TEST_F(WorkerTest, ProlongsTheLeaseOfALongJobThatGetsOn) {
  Fault none;
  FailingJobStore counting(memory_jobs_, none);
  const auto stopper_of_counting = use(counting);
  options_.heartbeat_ms = 0;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report& report, std::stop_token) {
    // A step a look: more would fill the wire, and what does not fit is lost.
    for (int looks = -1; counting.prolonged < 3;) {
      if (!wait_until([&] { return counting.looks != looks; })) break;
      looks = counting.looks;
      report({.step = 1, .steps = 4});
    }
    return grey_picture(request);
  };
  start();
  EXPECT_EQ(finished(submit({})).state, JobState::succeeded);
  EXPECT_GE(counting.prolonged, 3);
}

TEST_F(WorkerTest, LetsTheLeaseOfAHungEngineEndAndSaysSoOnce) {
  Fault none;
  FailingJobStore counting(memory_jobs_, none);
  const auto stopper_of_counting = use(counting);
  options_.heartbeat_ms = 0;
  options_.patience.first_ms = -1;  // nothing moves fast enough
  std::atomic<int> stuck = 0;
  options_.on_stuck = [&] { ++stuck; };
  Signal began;
  Signal wake;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    began.raise();
    wake.wait();  // whatever it is told
    return grey_picture(request);
  };
  start();
  const std::string id = submit({});
  ASSERT_TRUE(began.wait());
  const int looks = counting.looks;
  ASSERT_TRUE(wait_until([&] { return counting.looks >= looks + 3; }));
  EXPECT_EQ(counting.prolonged, 0);
  EXPECT_EQ(stuck, 1);
  wake.raise();
  finished(id);
}

TEST(Movement, IsStuckWhenNothingMovesForFarLongerThanAnythingTookBefore) {
  const Patience patience{.ms = 1000, .first_ms = 3000};
  Movement movement(0);
  EXPECT_FALSE(movement.is_stuck(3000, patience)) << "nobody knows yet how long a step takes";
  EXPECT_TRUE(movement.is_stuck(3001, patience));
  movement.moved(500);
  EXPECT_FALSE(movement.is_stuck(500 + 8 * 500, patience)) << "slow steps are given more";
  EXPECT_TRUE(movement.is_stuck(500 + 8 * 500 + 1, patience));
  movement.moved(501);
  EXPECT_FALSE(movement.is_stuck(501 + 8 * 500, patience)) << "the slowest one counts";
}

/// Stores nothing until it may go on.
class HeldBlobStore final : public PassingBlobStore {
 public:
  using PassingBlobStore::PassingBlobStore;
  Signal storing;
  Signal go_on;
  Result<std::string> put(std::span<const std::uint8_t> bytes) override {
    storing.raise();
    go_on.wait();
    return PassingBlobStore::put(bytes);
  }
};

TEST_F(WorkerTest, ForgetsAJobThatIsStoppedAfterItsLastPictureWasHandedIn) {
  Fault none;
  FailingJobStore counting(memory_jobs_, none);
  const auto stopper_of_counting = use(counting);
  HeldBlobStore held(memory_blobs_);
  const auto stopper_of_held = use(held);
  start();
  const int claims = counting.claims;
  const std::string id = submit({.count = 3});
  ASSERT_TRUE(held.storing.wait());
  // The engine's thread asks for the next job: all three pictures were handed in.
  ASSERT_TRUE(wait_until([&] { return counting.claims >= claims + 2; }));
  ASSERT_TRUE(queue().give_up(id, service::EndedBy::client_gone));
  held.go_on.raise();
  EXPECT_EQ(finished(submit({})).state, JobState::succeeded);
  EXPECT_EQ(memory_jobs_.find(id)->state, JobState::cancelled);
  EXPECT_TRUE(memory_jobs_.pictures(id)->empty());
  // Both are settled, so there is no lease to look after any more, poll after poll.
  const int looks = counting.looks;
  const int polls = counting.claims;
  ASSERT_TRUE(wait_until([&] { return counting.claims >= polls + 20; }));
  EXPECT_LE(counting.looks, looks + 2);
}

TEST_F(WorkerTest, ALostLeaseDoesNotStopTheSameJobUnderANewOne) {
  Fault none;
  FailingJobStore counting(memory_jobs_, none);
  const auto stopper_of_counting = use(counting);
  HeldBlobStore held(memory_blobs_);
  const auto stopper_of_held = use(held);
  Signal again;
  std::atomic<int> calls = 0;
  std::atomic<bool> stopped = false;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token stop) {
    if (++calls == 2) {
      again.raise();
      const int looks = counting.looks;
      wait_until([&] { return counting.looks >= looks + 3; });
      stopped = stop.stop_requested();
      held.go_on.raise();
    }
    return grey_picture(request);
  };
  start();
  const std::string id = submit({});
  ASSERT_TRUE(held.storing.wait());
  // Taken for dead while it stores its picture, the worker is given the job anew.
  ASSERT_EQ(queue().rescue(service::Stranded::of_worker("w1")), 1);
  ASSERT_TRUE(again.wait());
  ASSERT_TRUE(events_.wait_final(memory_jobs_, id));
  EXPECT_FALSE(stopped);
  EXPECT_EQ(memory_jobs_.find(id)->state, JobState::succeeded);
  EXPECT_EQ(memory_jobs_.pictures(id)->size(), 1u);
}

TEST_F(WorkerTest, GivesItsJobBackWhenItIsStopped) {
  Signal began;
  behaviour_ = [&](const engine::GenerateRequest&, const Report&,
                   std::stop_token stop) -> Result<image::Picture> {
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
                   std::stop_token stop) -> Result<image::Picture> {
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
  ASSERT_EQ(claim_as("dead").job.id, id);
  start();
  EXPECT_EQ(queue().rescue(service::Stranded::of_worker("dead")), 1);
  const service::Job job = finished(id);
  EXPECT_EQ(job.state, JobState::succeeded);
  EXPECT_EQ(job.attempt, 2);
}

TEST_F(WorkerTest, AJobThatKillsItsWorkerTwiceFailsAndIsReported) {
  const std::string id = submit({});
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(claim_as("dying").job.id, id);
    ASSERT_TRUE(queue().rescue(service::Stranded::of_worker("dying")));
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

TEST_F(WorkerTest, SaysWhatEachModelTakesAndWhichCouldNotBeLoaded) {
  broken_path_ = "other-weights";
  start();
  ASSERT_TRUE(ready_.wait());
  const service::Abilities abilities{.references_max = 8,
                                     .reference_side_px_min = 64,
                                     .reference_ratio_max = 8,
                                     .masks = true,
                                     .guidance = service::GuidanceUse::true_passes,
                                     .guidance_default = 2.5F,
                                     .clip_frames_per_second = 4};
  EXPECT_THAT(reports_, ElementsAre(service::ModelReport{"fast", abilities},
                                    service::ModelReport{"quality", abilities},
                                    service::ModelReport{"other", {}}));
}

TEST_F(WorkerTest, LeavesJobsOfAModelThatItCouldNotLoadToOthers) {
  broken_path_ = "other-weights";
  start();
  ASSERT_TRUE(ready_.wait());
  EXPECT_THAT(ready_models_, ElementsAre("fast", "quality"));
  const std::string other = submit({.model = "other"});
  EXPECT_EQ(finished(submit({})).state, JobState::succeeded);
  EXPECT_EQ(memory_jobs_.find(other)->state, JobState::queued);
}

TEST_F(WorkerTest, SaysAllOfManyModels) {
  std::vector<service::Model> models;
  for (int i = 0; i < 300; ++i)
    models.push_back({.id = fmt::format("model-{:0>40}", i), .path = "weights"});
  catalogue_ = *service::Catalogue::make(models, {});
  start();
  ASSERT_TRUE(ready_.wait());
  ASSERT_EQ(ready_models_.size(), 300u);
  EXPECT_EQ(ready_models_.back(), models.back().id);
}

TEST_F(WorkerTest, LoadsAModelAgainWhoseFileWasChangedAndMakesThePicture) {
  std::atomic<int> calls = 0;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&,
                   std::stop_token) -> Result<image::Picture> {
    if (++calls == 1) return fail(ErrorCode::data_loss, kFileChanged);
    return grey_picture(request);
  };
  start();
  EXPECT_EQ(finished(submit({})).state, JobState::succeeded);
  EXPECT_THAT(loaded_paths_, ElementsAre("weights", "other-weights", "weights"));
}

/// Flags the second picture that it is shown.
class Censor final : public service::ContentClassifier {
 public:
  Result<std::vector<service::CategoryScore>> classify(std::string_view) override {
    ADD_FAILURE() << "the worker judges no texts";
    return std::vector<service::CategoryScore>();
  }
  Result<std::vector<service::CategoryScore>> classify(const service::PictureToJudge&) override {
    return std::vector<service::CategoryScore>{{"violence", 0.9, ++seen == 2}};
  }
  std::atomic<int> seen = 0;
};

TEST_F(WorkerTest, KeepsNothingOfAJobOfWhichAPictureIsRefused) {
  Censor censor;
  const auto policies = *service::ModerationPolicies::make({}, {});
  service::Moderator moderator({.policies = policies,
                                .classifier = &censor,
                                .ledger = memory_jobs_.ledger(),
                                .clock = clock_},
                               {.pictures = true});
  moderator_ = &moderator;
  start();
  const std::string id = submit({.count = 3, .previews = 2});
  const service::Job job = finished(id);
  stop_worker();
  EXPECT_EQ(job.state, JobState::failed);
  ASSERT_TRUE(job.error);
  EXPECT_EQ(job.error->reason, ErrorReason::content_moderated);
  EXPECT_EQ(job.error->message, "Generated image rejected by content moderation (violence).");
  EXPECT_THAT(*memory_jobs_.pictures(id), testing::IsEmpty());
  for (const auto& event : events_.all())
    EXPECT_NE(event.kind, service::JobEvent::Kind::preview) << "nobody has judged it";
  const auto usage = *memory_jobs_.ledger().usage({});
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage[0].outcome, service::Outcome::picture_blocked);
}

TEST_F(WorkerTest, GoesOnWithABatchWhereAModelWasLoadedAgain) {
  std::atomic<int> calls = 0;
  std::vector<std::uint64_t> made;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&,
                   std::stop_token) -> Result<image::Picture> {
    if (++calls == 3) return fail(ErrorCode::data_loss, kFileChanged);
    made.push_back(request.seed);
    return grey_picture(request);
  };
  start();
  const std::string id = submit({.count = 4, .seed = 10});
  EXPECT_EQ(finished(id).state, JobState::succeeded);
  EXPECT_THAT(made, ElementsAre(10, 11, 12, 13));
  const auto pictures = *memory_jobs_.pictures(id);
  ASSERT_EQ(pictures.size(), 4u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(pictures[static_cast<std::size_t>(i)].index, i);
    EXPECT_EQ(pictures[static_cast<std::size_t>(i)].seed, 10u + static_cast<unsigned>(i));
  }
}

TEST_F(WorkerTest, SaysThatAModelIsGoneWhoseChangedFileCannotBeLoaded) {
  behaviour_ = [&](const engine::GenerateRequest&, const Report&,
                   std::stop_token) -> Result<image::Picture> {
    broken_path_ = "weights";
    return fail(ErrorCode::data_loss, kFileChanged);
  };
  start();
  const service::Job failed = finished(submit({}));
  EXPECT_EQ(failed.state, JobState::failed);
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->code, ErrorCode::unavailable);
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
