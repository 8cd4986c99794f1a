// What every JobStore promises. A store is tested by a factory and one line in job_store_test.cpp:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, JobStoreContract, testing::Values(&make_memory_store));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "service/ports/job_store.h"

namespace imagined::service {

/// A store and whatever must live as long as it (a folder, a database).
struct JobStoreUnderTest {
  std::shared_ptr<void> keeper;
  std::unique_ptr<JobStore> store;
};

using MakeJobStore = std::function<JobStoreUnderTest(const Clock&)>;

class JobStoreContract : public testing::TestWithParam<MakeJobStore> {
 protected:
  static constexpr std::int64_t kLeaseMs = 60'000;
  static constexpr std::int64_t kNoLimit = 1'000'000;

  JobStoreContract() : under_test_(GetParam()(clock_)), store_(*under_test_.store) {}

  Job new_job(std::string_view prompt = "a red kite") {
    return {.id = make_uuid(clock_),
            .key_id = "key",
            .request = {.model = "grok-imagine-image", .prompt = *Prompt::parse(prompt, 8000)},
            .created_ms = clock_.unix_ms()};
  }

  Job insert(std::string_view prompt = "a red kite") {
    const Job job = new_job(prompt);
    EXPECT_TRUE(store_.insert_if_queue_below(job, kNoLimit));
    return job;
  }

  Job claim(std::string_view worker = "w1") {
    const auto job = store_.claim(worker, kLeaseMs);
    EXPECT_TRUE(job && *job) << "nothing to claim";
    return **job;
  }

  bool nothing_to_claim() {
    const auto job = store_.claim("w9", kLeaseMs);
    return job && !*job;
  }

  StoredPicture picture_of(const Job& job, int index, std::string id) {
    return {.id = std::move(id),
            .job_id = job.id,
            .index = index,
            .blob = std::string(64, 'a'),
            .mime_type = "image/png",
            .width = 1024,
            .height = 768,
            .seed = std::numeric_limits<std::uint64_t>::max(),
            .size_bytes = 1234,
            .created_ms = clock_.unix_ms()};
  }

  ManualClock clock_;
  JobStoreUnderTest under_test_;
  JobStore& store_;
};

TEST_P(JobStoreContract, GivesBackEveryFieldOfARequest) {
  Job job = new_job("caf\xC3\xA9 \xF0\x9F\xAA\x81\n'; DROP TABLE jobs; --");
  job.request.count = 10;
  job.request.aspect_ratio = AspectRatio::r19_5_9;
  job.request.resolution = Resolution::k1_5;
  job.request.seed = std::numeric_limits<std::uint64_t>::max();
  job.request.format = image::Format::png;
  job.request.user = "user-7";
  ASSERT_TRUE(store_.insert_if_queue_below(job, kNoLimit));

  const auto found = store_.find(job.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, job.id);
  EXPECT_EQ(found->key_id, "key");
  EXPECT_EQ(found->request.model, "grok-imagine-image");
  EXPECT_EQ(found->request.prompt, job.request.prompt);
  EXPECT_EQ(found->request.count, 10);
  EXPECT_EQ(found->request.aspect_ratio, AspectRatio::r19_5_9);
  EXPECT_EQ(found->request.resolution, Resolution::k1_5);
  EXPECT_EQ(found->request.seed, job.request.seed);
  EXPECT_EQ(found->request.format, image::Format::png);
  EXPECT_EQ(found->request.user, "user-7");
  EXPECT_EQ(found->state, JobState::queued);
  EXPECT_EQ(found->attempt, 0);
  EXPECT_EQ(found->created_ms, clock_.unix_ms());
}

TEST_P(JobStoreContract, KeepsAnAbsentSeedAbsent) {
  EXPECT_EQ(store_.find(insert().id)->request.seed, std::nullopt);
}

TEST_P(JobStoreContract, DoesNotKnowWhatWasNeverThere) {
  EXPECT_EQ(store_.find("none").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.cancel("none").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.find_picture("none").error().code, ErrorCode::not_found);
  EXPECT_TRUE(store_.pictures("none")->empty());
}

TEST_P(JobStoreContract, RefusesJobsBeyondTheQueueLimit) {
  ASSERT_TRUE(store_.insert_if_queue_below(new_job(), 2));
  ASSERT_TRUE(store_.insert_if_queue_below(new_job(), 2));
  const Job third = new_job();
  const auto refused = store_.insert_if_queue_below(third, 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(refused.error().message, "the queue is full: 2 jobs are waiting");
  EXPECT_EQ(store_.find(third.id).error().code, ErrorCode::not_found);
}

TEST_P(JobStoreContract, CountsOnlyQueuedJobsAgainstTheLimit) {
  insert();
  claim();
  EXPECT_TRUE(store_.insert_if_queue_below(new_job(), 1));
  EXPECT_EQ(store_.queued_count(), 1);
}

TEST_P(JobStoreContract, GivesTheOldestJobFirst) {
  const Job first = insert("first");
  const Job second = insert("second");
  EXPECT_EQ(claim().id, first.id);
  EXPECT_EQ(claim().id, second.id);
  EXPECT_TRUE(nothing_to_claim());
}

TEST_P(JobStoreContract, MarksAClaimedJobAsRunning) {
  const Job job = insert();
  clock_.advance_ms(50);
  const Job claimed = claim("w1");
  EXPECT_EQ(claimed.state, JobState::running);
  EXPECT_EQ(claimed.attempt, 1);
  EXPECT_EQ(claimed.worker_id, "w1");
  EXPECT_FALSE(claimed.lease_token.empty());
  EXPECT_EQ(claimed.started_ms, job.created_ms + 50);
  EXPECT_EQ(store_.find(job.id)->state, JobState::running);
}

TEST_P(JobStoreContract, GivesAnExpiredLeaseToTheNextWorker) {
  const Job job = insert();
  const Job first = claim("w1");
  clock_.advance_ms(kLeaseMs);
  EXPECT_TRUE(nothing_to_claim()) << "the lease still holds in its last millisecond";
  clock_.advance_ms(1);
  const Job second = claim("w2");
  EXPECT_EQ(second.id, job.id);
  EXPECT_EQ(second.attempt, 2);
  EXPECT_NE(second.lease_token, first.lease_token);
}

TEST_P(JobStoreContract, DoesNotGiveAJobAThirdTime) {
  insert();
  for (int i = 0; i < kAttemptsMax; ++i) {
    claim();
    clock_.advance_ms(kLeaseMs + 1);
  }
  EXPECT_TRUE(nothing_to_claim());
}

TEST_P(JobStoreContract, AHeartbeatProlongsTheLease) {
  insert();
  const Job job = claim();
  clock_.advance_ms(kLeaseMs - 1);
  ASSERT_TRUE(store_.heartbeat(job.id, job.lease_token, kLeaseMs));
  clock_.advance_ms(kLeaseMs);
  EXPECT_TRUE(nothing_to_claim());
}

TEST_P(JobStoreContract, CompletesAJobWithItsPictures) {
  insert();
  const Job job = claim();
  clock_.advance_ms(200);
  const std::vector<StoredPicture> pictures = {picture_of(job, 1, "second"),
                                               picture_of(job, 0, "first")};
  ASSERT_TRUE(store_.complete(job.id, job.lease_token, pictures));

  const Job done = *store_.find(job.id);
  EXPECT_EQ(done.state, JobState::succeeded);
  EXPECT_EQ(done.finished_ms, clock_.unix_ms());
  EXPECT_FALSE(done.error);
  const auto stored = store_.pictures(job.id);
  ASSERT_EQ(stored->size(), 2u);
  EXPECT_EQ((*stored)[0].id, "first");
  EXPECT_EQ((*stored)[1].id, "second");
}

TEST_P(JobStoreContract, GivesBackEveryFieldOfAPicture) {
  insert();
  const Job job = claim();
  const StoredPicture picture = picture_of(job, 0, "0123456789ABCDEFGHijkl");
  ASSERT_TRUE(store_.complete(job.id, job.lease_token, {picture}));
  const auto found = store_.find_picture(picture.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->job_id, job.id);
  EXPECT_EQ(found->index, 0);
  EXPECT_EQ(found->blob, picture.blob);
  EXPECT_EQ(found->mime_type, "image/png");
  EXPECT_EQ(found->width, 1024);
  EXPECT_EQ(found->height, 768);
  EXPECT_EQ(found->seed, picture.seed);
  EXPECT_EQ(found->size_bytes, 1234);
  EXPECT_EQ(found->created_ms, picture.created_ms);
}

TEST_P(JobStoreContract, RefusesACommitWithAStaleLeaseToken) {
  insert();
  const Job zombie = claim("w1");
  clock_.advance_ms(kLeaseMs + 1);
  const Job owner = claim("w2");
  const auto late = store_.complete(zombie.id, zombie.lease_token, {picture_of(zombie, 0, "late")});
  EXPECT_EQ(late.error().code, ErrorCode::aborted);
  EXPECT_EQ(store_.find_picture("late").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.fail(zombie.id, zombie.lease_token, Error{}).error().code, ErrorCode::aborted);
  EXPECT_EQ(store_.heartbeat(zombie.id, zombie.lease_token, kLeaseMs).error().code,
            ErrorCode::aborted);
  EXPECT_EQ(store_.release(zombie.id, zombie.lease_token).error().code, ErrorCode::aborted);
  EXPECT_TRUE(store_.complete(owner.id, owner.lease_token, {}));
}

TEST_P(JobStoreContract, RefusesASecondCommit) {
  insert();
  const Job job = claim();
  ASSERT_TRUE(store_.complete(job.id, job.lease_token, {}));
  EXPECT_EQ(store_.complete(job.id, job.lease_token, {}).error().code, ErrorCode::aborted);
  EXPECT_EQ(store_.fail(job.id, job.lease_token, Error{}).error().code, ErrorCode::aborted);
  EXPECT_EQ(store_.find(job.id)->state, JobState::succeeded);
}

TEST_P(JobStoreContract, KeepsTheErrorOfAFailedJobButNotItsDetail) {
  insert();
  const Job job = claim();
  const Error error{.code = ErrorCode::storage_full,
                    .message = "no room left to store data",
                    .field = "prompt",
                    .detail = "/secret/path"};
  ASSERT_TRUE(store_.fail(job.id, job.lease_token, error));
  const Job failed = *store_.find(job.id);
  EXPECT_EQ(failed.state, JobState::failed);
  EXPECT_EQ(failed.finished_ms, clock_.unix_ms());
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->code, ErrorCode::storage_full);
  EXPECT_EQ(failed.error->message, "no room left to store data");
  EXPECT_EQ(failed.error->field, "prompt");
  EXPECT_EQ(failed.error->detail, "");
}

TEST_P(JobStoreContract, TakesBackAReleasedJobAsIfItHadNotBeenClaimed) {
  insert();
  const Job job = claim();
  ASSERT_TRUE(store_.release(job.id, job.lease_token));
  EXPECT_EQ(store_.find(job.id)->state, JobState::queued);
  EXPECT_EQ(store_.find(job.id)->attempt, 0);
  EXPECT_EQ(claim().attempt, 1);
}

TEST_P(JobStoreContract, QueuesTheJobsOfADeadWorkerOnce) {
  const Job job = insert();
  const Job other = insert();
  claim("dead");
  claim("alive");
  const auto moved = store_.requeue_or_fail(Stranded::of_worker("dead"), kAttemptsMax);
  ASSERT_TRUE(moved);
  ASSERT_EQ(moved->size(), 1u);
  EXPECT_EQ(moved->front().id, job.id);
  EXPECT_EQ(moved->front().state, JobState::queued);
  EXPECT_EQ(store_.find(other.id)->state, JobState::running);
  EXPECT_EQ(claim("new").attempt, 2);
}

TEST_P(JobStoreContract, FailsAJobWhoseWorkerDiedTwice) {
  const Job job = insert();
  for (int i = 0; i < 2; ++i) {
    claim("dying");
    ASSERT_TRUE(store_.requeue_or_fail(Stranded::of_worker("dying"), kAttemptsMax));
  }
  const Job failed = *store_.find(job.id);
  EXPECT_EQ(failed.state, JobState::failed);
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->code, ErrorCode::internal);
  EXPECT_EQ(failed.error->message, "the worker stopped twice while making this picture");
  EXPECT_EQ(failed.finished_ms, clock_.unix_ms());
}

TEST_P(JobStoreContract, RefusesTheCommitOfAWorkerThatWasTakenForDead) {
  insert();
  const Job job = claim("w1");
  ASSERT_TRUE(store_.requeue_or_fail(Stranded::of_worker("w1"), kAttemptsMax));
  EXPECT_EQ(store_.complete(job.id, job.lease_token, {}).error().code, ErrorCode::aborted);
}

TEST_P(JobStoreContract, FindsExpiredLeasesAndLeavesOthersAlone) {
  const Job expired = insert();
  claim("w1");
  clock_.advance_ms(kLeaseMs + 1);
  const Job fresh = insert();
  const auto moved = store_.requeue_or_fail(Stranded::by_lease(), kAttemptsMax);
  ASSERT_EQ(moved->size(), 1u);
  EXPECT_EQ(moved->front().id, expired.id);
  EXPECT_EQ(claim("w2").id, expired.id);
  EXPECT_EQ(claim("w2").id, fresh.id);
  EXPECT_TRUE(store_.requeue_or_fail(Stranded::by_lease(), kAttemptsMax)->empty());
}

TEST_P(JobStoreContract, QueuesEverythingThatRanWhenTheServerStarts) {
  insert();
  insert();
  claim("w1");
  claim("w2");
  EXPECT_EQ(store_.requeue_or_fail(Stranded::all(), kAttemptsMax)->size(), 2u);
  EXPECT_EQ(store_.queued_count(), 2);
}

TEST_P(JobStoreContract, CancelsAQueuedJob) {
  const Job job = insert();
  EXPECT_EQ(store_.cancel(job.id)->state, JobState::cancelled);
  EXPECT_EQ(store_.find(job.id)->finished_ms, clock_.unix_ms());
  EXPECT_TRUE(nothing_to_claim());
}

TEST_P(JobStoreContract, TakesARunningJobThatIsCancelledOutOfItsWorkersHands) {
  insert();
  const Job job = claim();
  EXPECT_EQ(store_.cancel(job.id)->state, JobState::cancelled);
  EXPECT_EQ(store_.complete(job.id, job.lease_token, {}).error().code, ErrorCode::aborted);
  EXPECT_EQ(store_.find(job.id)->state, JobState::cancelled);
}

TEST_P(JobStoreContract, LeavesAFinishedJobAsItIsWhenItIsCancelled) {
  insert();
  const Job job = claim();
  ASSERT_TRUE(store_.complete(job.id, job.lease_token, {}));
  EXPECT_EQ(store_.cancel(job.id)->state, JobState::succeeded);
}

TEST_P(JobStoreContract, GivesEachJobToOneOfManyClaimers) {
  constexpr int kJobs = 40;
  for (int i = 0; i < kJobs; ++i) insert();
  std::vector<std::vector<std::string>> claimed(4);
  {
    std::vector<std::jthread> claimers;
    for (auto& mine : claimed)
      claimers.emplace_back([this, &mine] {
        while (true) {
          const auto job = store_.claim("w", kLeaseMs);
          if (!job || !*job) return;
          mine.push_back((*job)->id);
        }
      });
  }
  std::vector<std::string> all;
  for (const auto& mine : claimed) all.insert(all.end(), mine.begin(), mine.end());
  std::ranges::sort(all);
  EXPECT_EQ(all.size(), std::size_t{kJobs});
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

}  // namespace imagined::service
