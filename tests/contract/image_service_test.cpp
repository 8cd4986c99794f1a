#include "service/pictures/image_service.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/memory/memory_blob_store.h"
#include "storage/memory/memory_job_store.h"
#include "storage/process/process_job_events.h"

namespace imagined::service {
namespace {

class RecordingBell final : public WorkerBell {
 public:
  int queued_count = 0;
  std::vector<std::string> cancelled;

  void job_queued() override { ++queued_count; }
  void job_cancelled(std::string_view job_id) override { cancelled.emplace_back(job_id); }
};

class ImageServiceTest : public testing::Test {
 protected:
  static PictureRequest some_request() {
    return {.model = "grok-imagine-image", .prompt = *Prompt::parse("a red kite", 8000)};
  }
  Result<Job> submit(PictureRequest request = some_request()) {
    return images_.submit(ApiKey{.id = "kid"}, std::move(request));
  }

  ManualClock clock_;
  storage::MemoryJobStore jobs_{clock_};
  storage::MemoryBlobStore blobs_;
  storage::ProcessJobEvents events_;
  RecordingBell bell_;
  Catalogue catalogue_ =
      *Catalogue::make({{.id = "grok-imagine-image", .aliases = {"fast"}, .max_prompt_length = 20}},
                       legacy_names("grok-imagine-image"));
  ImageService images_{catalogue_, jobs_, blobs_, events_, bell_, clock_, {.queue_limit = 2}};
};

TEST_F(ImageServiceTest, QueuesAJobAndRingsTheBell) {
  const auto job = submit();
  ASSERT_TRUE(job);
  EXPECT_EQ(job->key_id, "kid");
  EXPECT_EQ(job->created_ms, clock_.unix_ms());
  EXPECT_EQ(images_.find(job->id)->state, JobState::queued);
  EXPECT_EQ(bell_.queued_count, 1);
}

TEST_F(ImageServiceTest, StoresTheModelsIdForItsAlias) {
  PictureRequest request = some_request();
  request.model = "fast";
  EXPECT_EQ(submit(request)->request.model, "grok-imagine-image");
}

TEST_F(ImageServiceTest, RefusesWhatBreaksTheRulesAndQueuesNothing) {
  PictureRequest unknown_model = some_request();
  unknown_model.model = "flux-1.1-pro";
  EXPECT_EQ(submit(unknown_model).error().field, "model");
  PictureRequest too_many = some_request();
  too_many.count = 11;
  EXPECT_EQ(submit(too_many).error().field, "n");
  PictureRequest too_long = some_request();
  too_long.prompt = *Prompt::parse(std::string(21, 'x'), 8000);
  EXPECT_EQ(submit(too_long).error().message,
            "Prompt len is larger than the maximum allowed length which is 20");
  PictureRequest long_user = some_request();
  long_user.user = std::string(513, 'u');
  EXPECT_EQ(submit(long_user).error().field, "user");
  EXPECT_EQ(jobs_.queued_count(), 0);
  EXPECT_EQ(bell_.queued_count, 0);
}

TEST_F(ImageServiceTest, RefusesJobsWhenTheQueueIsFull) {
  ASSERT_TRUE(submit());
  ASSERT_TRUE(submit());
  const auto refused = submit();
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(refused.error().message, "the queue is full: 2 jobs are waiting");
  EXPECT_EQ(bell_.queued_count, 2);
}

TEST_F(ImageServiceTest, RefusesJobsWhenThereIsNoRoomForPictures) {
  class FullStore final : public BlobStore {
   public:
    Result<std::string> put(std::span<const std::uint8_t>) override { return check_full(); }
    Result<void> check_room() override {
      return fail(ErrorCode::storage_full, "no room left to store data");
    }
    Result<std::vector<std::uint8_t>> get(std::string_view) override {
      return fail(ErrorCode::not_found, "no such blob");
    }

   private:
    static tl::unexpected<Error> check_full() {
      return fail(ErrorCode::storage_full, "no room left to store data");
    }
  };
  FullStore full;
  ImageService images(catalogue_, jobs_, full, events_, bell_, clock_);
  EXPECT_EQ(images.submit(ApiKey{}, some_request()).error().code, ErrorCode::storage_full);
  EXPECT_EQ(jobs_.queued_count(), 0);
}

TEST_F(ImageServiceTest, CancelsRingsAndTells) {
  const Job job = *submit();
  int told = 0;
  const auto subscription = events_.subscribe(job.id, [&](const JobEvent&) { ++told; });
  EXPECT_EQ(images_.cancel(job.id)->state, JobState::cancelled);
  EXPECT_EQ(bell_.cancelled, std::vector<std::string>{job.id});
  EXPECT_EQ(told, 1);
}

TEST_F(ImageServiceTest, DoesNotRingForAJobThatHasEndedAlready) {
  const Job job = *submit();
  const Job claimed = **jobs_.claim("w", 1000);
  ASSERT_TRUE(jobs_.complete(job.id, claimed.lease_token, {}));
  EXPECT_EQ(images_.cancel(job.id)->state, JobState::succeeded);
  EXPECT_TRUE(bell_.cancelled.empty());
}

TEST_F(ImageServiceTest, ReadsAPictureWithItsBytes) {
  const Job job = *submit();
  const Job claimed = **jobs_.claim("w", 1000);
  const std::vector<std::uint8_t> bytes = {1, 2, 3};
  const StoredPicture picture{.id = "pic", .job_id = job.id, .blob = *blobs_.put(bytes)};
  ASSERT_TRUE(jobs_.complete(job.id, claimed.lease_token, {picture}));
  const auto file = images_.read_picture("pic");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->bytes, bytes);
  EXPECT_EQ(images_.pictures(job.id)->size(), 1u);
  EXPECT_EQ(images_.read_picture("other").error().code, ErrorCode::not_found);
}

TEST_F(ImageServiceTest, CallsAPictureWithoutItsFileDamagedAndNotUnknown) {
  const Job job = *submit();
  const Job claimed = **jobs_.claim("w", 1000);
  const StoredPicture picture{.id = "pic", .job_id = job.id, .blob = std::string(64, '0')};
  ASSERT_TRUE(jobs_.complete(job.id, claimed.lease_token, {picture}));
  EXPECT_EQ(images_.read_picture("pic").error().code, ErrorCode::data_loss);
}

TEST_F(ImageServiceTest, RescueRingsForQueuedJobsAndTellsOfFailedOnes) {
  const Job job = *submit();
  std::vector<JobEvent> told;
  const auto subscription =
      events_.subscribe(job.id, [&](const JobEvent& event) { told.push_back(event); });
  ASSERT_TRUE(*jobs_.claim("w", 1000));
  EXPECT_EQ(images_.rescue(Stranded::of_worker("w")), 1);
  EXPECT_EQ(bell_.queued_count, 2);
  EXPECT_TRUE(told.empty());
  ASSERT_TRUE(*jobs_.claim("w", 1000));
  EXPECT_EQ(images_.rescue(Stranded::of_worker("w")), 1);
  EXPECT_EQ(bell_.queued_count, 2);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, JobEvent::Kind::finished);
}

}  // namespace
}  // namespace imagined::service
