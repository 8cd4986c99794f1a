// What every JobStore promises. A store is tested by a factory and one line in job_store_test.cpp:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, JobStoreContract, testing::Values(&memory_jobs));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "contract/settable_clock.h"
#include "service/ports/archive.h"
#include "service/ports/job_store.h"

namespace imagined::service {

/// A store, the archive on the same data, and whatever must live as long as they (a folder, a
/// database).
struct JobStoreUnderTest {
  std::shared_ptr<void> keeper;
  std::shared_ptr<JobStore> store;
  std::shared_ptr<Archive> archive;
};

using MakeJobStore = std::function<JobStoreUnderTest(const Clock&)>;

class JobStoreContract : public testing::TestWithParam<MakeJobStore> {
 protected:
  static constexpr std::int64_t kLeaseMs = 60'000;
  static constexpr std::int64_t kNoLimit = 1'000'000;

  JobStoreContract()
      : under_test_(GetParam()(clock_)),
        store_(*under_test_.store),
        archive_(*under_test_.archive) {}

  static constexpr std::int64_t kTwoHoursMs = 2 * 3'600'000;

  NewJob new_job(std::string_view model = "fast") {
    return {.job = {.id = make_uuid(clock_),
                    .owner = {.key_id = "key"},
                    .sold = {.model = std::string(model),
                             .bill = {.per_picture_usd_ticks = 7},
                             .steps = 4},
                    .created_ms = clock_.unix_ms()},
            .payload = PictureRequest{.model = std::string(model),
                                      .prompt = *Prompt::parse("a red kite", 8000)},
            .queue_limit = kNoLimit,
            .request_hash = {}};
  }

  Job insert(const NewJob& wanted) {
    const auto job = store_.insert(wanted);
    EXPECT_TRUE(job) << job.error().message;
    return *job;
  }
  Job insert() { return insert(new_job()); }

  /// Of somebody who waits so long for it, and asks again when the answer is lost.
  NewJob awaited_job(std::int64_t wait_ms) {
    NewJob wanted = new_job();
    wanted.job.deliver_by_ms = clock_.unix_ms() + wait_ms;
    wanted.request_hash = "h";
    wanted.attach_since_ms = clock_.unix_ms() - 1000;
    return wanted;
  }

  Result<std::optional<ClaimedJob>> try_claim(std::string_view worker,
                                              std::vector<std::string> models = {"fast"}) {
    constexpr JobKind kKinds[] = {JobKind::pictures};
    return store_.claim(
        {.worker_id = worker, .models = models, .kinds = kKinds, .lease_ms = kLeaseMs});
  }

  ClaimedJob claim(std::string_view worker = "w1") {
    auto job = try_claim(worker);
    EXPECT_TRUE(job && *job) << "nothing to claim";
    return **job;
  }

  bool nothing_to_claim() {
    const auto job = try_claim("w9");
    return job && !*job;
  }

  bool holds(const Lease& lease) { return store_.lost({&lease, 1})->empty(); }
  JobState state_of(const Job& job) { return store_.find(job.id)->state; }

  StoredPicture picture_of(const ClaimedJob& claimed, int index, std::string id) {
    return {.id = std::move(id),
            .job_id = claimed.job.id,
            .index = index,
            .blob = std::string(64, 'a'),
            .format = service::FileFormat::png,
            .width = 1024,
            .height = 768,
            .seed = std::numeric_limits<std::uint64_t>::max(),
            .size_bytes = 1234,
            .created_ms = clock_.unix_ms(),
            .reading = {.prompt_tokens = 700, .tokens_read = 512, .warnings = {"one", "two"}}};
  }

  /// A job that has succeeded with one picture.
  Job succeed(std::string picture_id) {
    insert();
    const ClaimedJob claimed = claim();
    EXPECT_TRUE(store_.complete(claimed.lease(), {picture_of(claimed, 0, std::move(picture_id))}));
    return *store_.find(claimed.job.id);
  }

  SettableClock clock_;
  JobStoreUnderTest under_test_;
  JobStore& store_;
  Archive& archive_;
};

TEST_P(JobStoreContract, GivesAnOpenJobOfTheTeamToWhoSharesIt) {
  NewJob first = new_job();
  first.job.id = "first";
  first.share_key = "s";
  ASSERT_TRUE(store_.insert(first));
  NewJob twin = new_job();
  twin.job.id = "twin";
  EXPECT_EQ(store_.insert(twin)->id, "twin") << "it does not share";
  twin.share_key = "s";
  twin.job.id = "another";
  EXPECT_EQ(store_.insert(twin)->id, "first");
  twin.job.owner.team_id = "theirs";
  EXPECT_EQ(store_.insert(twin)->id, "another") << "another team";
  ASSERT_TRUE(store_.cancel("first"));
  first.job.id = "third";
  EXPECT_EQ(store_.insert(first)->id, "third") << "what has ended is not shared";
}

TEST_P(JobStoreContract, GivesBackEverythingThatIsKnownOfAJob) {
  NewJob wanted = new_job();
  wanted.job.owner = {.org_id = "org", .team_id = "team", .key_id = "key"};
  wanted.job.sold = {.model = "fast",
                     .bill = {.per_picture_usd_ticks = 200'000'000, .once_usd_ticks = 5},
                     .steps = 16,
                     .guidance = 3.5F};
  wanted.job.idempotency_key = "once";
  wanted.job.deliver_by_ms = clock_.unix_ms() + 1000;
  wanted.request_hash = "h";
  const Job inserted = insert(wanted);
  for (const Job& job : {inserted, *store_.find(wanted.job.id)}) {
    EXPECT_EQ(job.id, wanted.job.id);
    EXPECT_EQ(job.owner, wanted.job.owner);
    EXPECT_EQ(job.kind, JobKind::pictures);
    EXPECT_EQ(job.sold, wanted.job.sold);
    EXPECT_EQ(job.idempotency_key, "once");
    EXPECT_EQ(job.state, JobState::queued);
    EXPECT_EQ(job.attempt, 0);
    EXPECT_EQ(job.created_ms, clock_.unix_ms());
    EXPECT_EQ(job.deliver_by_ms, clock_.unix_ms() + 1000);
  }
}

TEST_P(JobStoreContract, KeepsDefaultsOfTheWeightsApartFromNumbers) {
  NewJob wanted = new_job();
  wanted.job.sold.steps = 0;
  wanted.job.sold.guidance = std::nullopt;
  insert(wanted);
  EXPECT_EQ(store_.find(wanted.job.id)->sold.steps, 0);
  EXPECT_EQ(store_.find(wanted.job.id)->sold.guidance, std::nullopt);
}

TEST_P(JobStoreContract, GivesAWorkerWhatWasAskedFor) {
  NewJob wanted = new_job();
  wanted.payload = PictureRequest{
      .model = "fast",
      .prompt = *Prompt::parse("caf\xC3\xA9 \xF0\x9F\xAA\x81\n'; DROP TABLE jobs; --", 8000),
      .count = 10,
      .aspect_ratio = AspectRatio::r19_5_9,
      .resolution = Resolution::k1_5,
      .seed = std::numeric_limits<std::uint64_t>::max(),
      .format = image::Format::png,
      .user = "user-7"};
  insert(wanted);
  EXPECT_EQ(claim().payload, wanted.payload);
}

TEST_P(JobStoreContract, TellsWhatWasAskedForAlsoWhenItIsMade) {
  const NewJob wanted = new_job();
  insert(wanted);
  ASSERT_TRUE(store_.payload(wanted.job.id));
  EXPECT_TRUE(*store_.payload(wanted.job.id) == wanted.payload);
  ASSERT_TRUE(store_.cancel(wanted.job.id));
  EXPECT_TRUE(*store_.payload(wanted.job.id) == wanted.payload);
  EXPECT_EQ(store_.payload("nobody").error().code, ErrorCode::not_found);
}

TEST_P(JobStoreContract, KeepsAClipAmongThePictures) {
  NewJob wanted = new_job();
  wanted.payload =
      service::VideoRequest{.frames = {.model = "fast", .prompt = Prompt::trusted("it snows")},
                            .seconds = 3,
                            .image = std::string(64, 'b')};
  wanted.job.kind = service::JobKind::videos;
  insert(wanted);
  const std::vector<std::string> models = {"fast"};
  constexpr service::JobKind kKinds[] = {service::JobKind::videos};
  const auto claimed =
      **store_.claim({.worker_id = "w", .models = models, .kinds = kKinds, .lease_ms = 60'000});
  EXPECT_EQ(claimed.payload, wanted.payload);
  EXPECT_EQ(claimed.job.kind, service::JobKind::videos);
  StoredPicture clip = picture_of(claimed, 0, "clip");
  clip.format = service::FileFormat::mp4;
  clip.duration_ms = 3'000;
  ASSERT_TRUE(store_.complete(claimed.lease(), {clip}));
  EXPECT_EQ((*archive_.pictures(claimed.job.id)).front(), clip);
}

TEST_P(JobStoreContract, FindsSeveralJobsInOneLook) {
  const Job first = insert();
  const Job second = insert();
  insert();
  const std::string ids[] = {first.id, "none", second.id};
  auto found = *store_.find_all(ids);
  ASSERT_EQ(found.size(), 2u);
  std::ranges::sort(found, {}, &Job::id);
  EXPECT_EQ(found[0].id, std::min(first.id, second.id));
  EXPECT_EQ(found[1].id, std::max(first.id, second.id));
}

TEST_P(JobStoreContract, DoesNotKnowWhatWasNeverThere) {
  EXPECT_EQ(store_.find("none").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.cancel("none").error().code, ErrorCode::not_found);
  EXPECT_EQ(archive_.find_picture("none").error().code, ErrorCode::not_found);
  EXPECT_TRUE(archive_.pictures("none")->empty());
}

TEST_P(JobStoreContract, RefusesJobsBeyondTheQueueLimit) {
  insert();
  insert();
  NewJob third = new_job();
  third.queue_limit = 2;
  const auto refused = store_.insert(third);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(refused.error().message, "the queue is full: 2 jobs are waiting");
  EXPECT_EQ(store_.find(third.job.id).error().code, ErrorCode::not_found);
}

TEST_P(JobStoreContract, CountsOnlyQueuedJobsAgainstTheLimit) {
  insert();
  claim();
  NewJob second = new_job();
  second.queue_limit = 1;
  EXPECT_TRUE(store_.insert(second));
}

TEST_P(JobStoreContract, AnswersTheSameIdempotencyKeyWithTheSameJob) {
  NewJob first = new_job();
  first.job.idempotency_key = "once";
  first.request_hash = "h";
  insert(first);
  claim();
  NewJob again = new_job();
  again.job.idempotency_key = "once";
  again.request_hash = "h";
  again.queue_limit = 0;  // it takes no place in the queue
  const auto job = store_.insert(again);
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ(job->id, first.job.id);
  EXPECT_EQ(job->state, JobState::running);
  EXPECT_EQ((*store_.find_keyed(kDefaultTeam, "once", "h"))->id, first.job.id);
  EXPECT_FALSE(*store_.find_keyed(kDefaultTeam, "other", "h"));
  EXPECT_FALSE(*store_.find_keyed(kDefaultTeam, "", "h")) << "most jobs have none";
  EXPECT_TRUE(nothing_to_claim());
}

TEST_P(JobStoreContract, RefusesAnIdempotencyKeyForAnotherRequest) {
  NewJob first = new_job();
  first.job.idempotency_key = "once";
  first.request_hash = "h";
  insert(first);
  NewJob other = new_job();
  other.job.idempotency_key = "once";
  other.request_hash = "H";
  const auto refused = store_.insert(other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unprocessable);
  EXPECT_EQ(refused.error().field, "idempotency_key");
  EXPECT_EQ(store_.find_keyed(kDefaultTeam, "once", "H").error().code, ErrorCode::unprocessable);
  // Another team's word is its own.
  other.job.owner.team_id = "others";
  EXPECT_EQ(insert(other).id, other.job.id);
}

TEST_P(JobStoreContract, TakesAnIdempotencyKeyAnewOnceItIsFreed) {
  NewJob first = new_job();
  first.job.idempotency_key = "once";
  insert(first);
  EXPECT_EQ(archive_.free_idempotency_keys(clock_.unix_ms(), 10), 0) << "not older than itself";
  EXPECT_EQ(archive_.free_idempotency_keys(clock_.unix_ms() + 1, 10), 1);
  NewJob again = new_job();
  again.job.idempotency_key = "once";
  EXPECT_EQ(insert(again).id, again.job.id);
}

TEST_P(JobStoreContract, GivesTheOldestJobFirst) {
  const Job first = insert();
  const Job second = insert();
  EXPECT_EQ(claim().job.id, first.id);
  EXPECT_EQ(claim().job.id, second.id);
  EXPECT_TRUE(nothing_to_claim());
}

TEST_P(JobStoreContract, GivesAWorkerOnlyJobsOfItsModels) {
  const Job other = insert(new_job("quality"));
  const Job mine = insert(new_job("fast"));
  EXPECT_EQ(claim().job.id, mine.id);
  EXPECT_TRUE(nothing_to_claim());
  EXPECT_EQ(state_of(other), JobState::queued) << "it waits for a worker that has its model";
  EXPECT_EQ((*try_claim("w2", {"slow", "quality"}))->job.id, other.id);
  EXPECT_FALSE(*try_claim("w3", {}));
}

TEST_P(JobStoreContract, GivesAWorkerOnlyJobsOfItsKinds) {
  insert();
  const std::vector<std::string> models = {"fast"};
  EXPECT_FALSE(*store_.claim({.worker_id = "w", .models = models, .kinds = {}, .lease_ms = 1}));
}

TEST_P(JobStoreContract, MarksAClaimedJobAsRunning) {
  const Job job = insert();
  clock_.advance_ms(50);
  const Job claimed = claim("w1").job;
  EXPECT_EQ(claimed.state, JobState::running);
  EXPECT_EQ(claimed.attempt, 1);
  EXPECT_EQ(claimed.worker_id, "w1");
  EXPECT_FALSE(claimed.lease_token.empty());
  EXPECT_EQ(claimed.started_ms, job.created_ms + 50);
  EXPECT_EQ(state_of(job), JobState::running);
}

TEST_P(JobStoreContract, DoesNotBeginWhatNobodyWantsAnyMore) {
  NewJob wanted = new_job();
  wanted.job.deliver_by_ms = clock_.unix_ms() + 100;
  insert(wanted);
  clock_.advance_ms(100);
  EXPECT_TRUE(nothing_to_claim());
  const auto ended = store_.end_overdue();
  ASSERT_EQ(ended->size(), 1u);
  EXPECT_EQ(ended->front().id, wanted.job.id);
  EXPECT_EQ(ended->front().error->code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(store_.find(wanted.job.id)->state, JobState::failed);
  EXPECT_TRUE(store_.end_overdue()->empty());
}

TEST_P(JobStoreContract, TakesASetClockForNoWaiting) {
  const Job forward = insert(awaited_job(100));
  clock_.set_by_ms(kTwoHoursMs);
  EXPECT_TRUE(store_.end_overdue()->empty());
  EXPECT_EQ(claim().job.id, forward.id);
  EXPECT_EQ(store_.rescue(Stranded::of_worker("w1"))->front().state, JobState::queued);
  ASSERT_TRUE(store_.cancel(forward.id));
  insert(awaited_job(100));
  clock_.set_by_ms(-2 * kTwoHoursMs);
  clock_.advance_ms(100);
  EXPECT_TRUE(nothing_to_claim());
  EXPECT_EQ(store_.end_overdue()->size(), 1u);
}

TEST_P(JobStoreContract, ReckonsAWaitByTheTimeOfDayAcrossARestartOfTheMachine) {
  insert(awaited_job(100));
  clock_.set_origin("second");
  clock_.advance_ms(99);
  EXPECT_TRUE(store_.end_overdue()->empty());
  clock_.set_by_ms(1);
  EXPECT_EQ(store_.end_overdue()->size(), 1u);
}

TEST_P(JobStoreContract, DoesNotMakeAgainWhatNobodyWantsAnyMore) {
  insert(awaited_job(100));
  claim();
  clock_.advance_ms(100);
  const auto moved = store_.rescue(Stranded::of_worker("w1"));
  ASSERT_EQ(moved->size(), 1u);
  EXPECT_EQ(moved->front().error->code, ErrorCode::deadline_exceeded);
}

TEST_P(JobStoreContract, LeavesOthersAloneWhenItEndsWhatIsOverdue) {
  const Job patient = insert();
  NewJob running = new_job();
  running.job.deliver_by_ms = clock_.unix_ms() + 100;
  claim();
  insert(running);
  claim();
  clock_.advance_ms(100);
  EXPECT_TRUE(store_.end_overdue()->empty()) << "what has begun in time may end";
  EXPECT_EQ(state_of(patient), JobState::running);
}

TEST_P(JobStoreContract, KnowsWhichLeasesHold) {
  insert();
  insert();
  const Lease first = claim().lease();
  const Lease second = claim().lease();
  const Lease leases[] = {first, {.job_id = "none", .token = "none"}, second};
  ASSERT_TRUE(store_.cancel(second.job_id));
  const auto lost = store_.lost(leases);
  ASSERT_EQ(lost->size(), 2u);
  EXPECT_EQ((*lost)[0].job_id, "none");
  EXPECT_EQ((*lost)[1].job_id, second.job_id);
  EXPECT_TRUE(store_.lost({})->empty());
}

TEST_P(JobStoreContract, AJobWhoseLeaseEndedGoesToTheNextWorker) {
  const Job job = insert();
  const ClaimedJob first = claim("w1");
  clock_.advance_ms(kLeaseMs);
  EXPECT_TRUE(store_.rescue(Stranded::by_lease())->empty())
      << "the lease still holds in its last millisecond";
  clock_.advance_ms(1);
  EXPECT_EQ(store_.rescue(Stranded::by_lease())->size(), 1u);
  const ClaimedJob second = claim("w2");
  EXPECT_EQ(second.job.id, job.id);
  EXPECT_EQ(second.job.attempt, 2);
  EXPECT_NE(second.job.lease_token, first.job.lease_token);
}

TEST_P(JobStoreContract, ProlongsTheLeasesThatHold) {
  insert();
  insert();
  const Lease kept = claim().lease();
  const Lease dropped = claim().lease();
  clock_.advance_ms(kLeaseMs - 1);
  const Lease leases[] = {kept, {.job_id = "none", .token = "none"}};
  ASSERT_TRUE(store_.prolong(leases, kLeaseMs));
  clock_.advance_ms(kLeaseMs);
  const auto moved = store_.rescue(Stranded::by_lease());
  ASSERT_EQ(moved->size(), 1u);
  EXPECT_EQ(moved->front().id, dropped.job_id);
  EXPECT_TRUE(holds(kept));
}

TEST_P(JobStoreContract, ARestartOfTheMachineEndsAllLeasesAndIsNotHeldAgainstTheJobs) {
  const Job job = insert();
  claim();
  clock_.set_origin("second");
  const auto moved = store_.rescue(Stranded::by_lease());
  ASSERT_EQ(moved->size(), 1u);
  EXPECT_EQ(moved->front().state, JobState::queued);
  EXPECT_EQ(store_.find(job.id)->attempt, 0);
}

TEST_P(JobStoreContract, MeasuresHowTheQueueGetsOn) {
  EXPECT_EQ(store_.pace()->run_ms, 0);
  for (const std::int64_t took_ms : {9'000, 1'000, 3'000}) {
    insert();
    const ClaimedJob job = claim();
    clock_.advance_ms(took_ms);
    const bool failed = took_ms == 9'000;
    EXPECT_TRUE(failed ? store_.fail(job.lease(), {.code = ErrorCode::internal})
                       : store_.complete(job.lease(), {}));
  }
  for (int i = 0; i < 5; ++i) insert();
  claim();
  claim();
  const auto pace = store_.pace();
  ASSERT_TRUE(pace) << pace.error().message;
  EXPECT_EQ(pace->queued, 3);
  EXPECT_EQ(pace->running, 2);
  EXPECT_EQ(pace->run_ms, 2'000);
  EXPECT_EQ(pace->next_begin_ms(), 1'000);
  EXPECT_EQ(pace->all_begun_ms(), 3'000);
}

TEST_P(JobStoreContract, CompletesAJobWithItsPictures) {
  insert();
  const ClaimedJob claimed = claim();
  clock_.advance_ms(200);
  const std::vector<StoredPicture> pictures = {picture_of(claimed, 1, "second"),
                                               picture_of(claimed, 0, "first")};
  ASSERT_TRUE(store_.complete(claimed.lease(), pictures));

  const Job done = *store_.find(claimed.job.id);
  EXPECT_EQ(done.state, JobState::succeeded);
  EXPECT_EQ(done.finished_ms, clock_.unix_ms());
  EXPECT_FALSE(done.error);
  EXPECT_FALSE(holds(claimed.lease()));
  const auto stored = archive_.pictures(claimed.job.id);
  ASSERT_EQ(stored->size(), 2u);
  EXPECT_EQ((*stored)[0], pictures[1]);
  EXPECT_EQ((*stored)[1], pictures[0]);
  EXPECT_EQ(archive_.find_picture("first"), pictures[1]);
}

TEST_P(JobStoreContract, RefusesACommitWithAStaleLease) {
  insert();
  const ClaimedJob zombie = claim("w1");
  clock_.advance_ms(kLeaseMs + 1);
  ASSERT_TRUE(store_.rescue(Stranded::by_lease()));
  const ClaimedJob owner = claim("w2");
  const auto late = store_.complete(zombie.lease(), {picture_of(zombie, 0, "late")});
  EXPECT_EQ(late.error().code, ErrorCode::aborted);
  EXPECT_EQ(archive_.find_picture("late").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.fail(zombie.lease(), Error{}).error().code, ErrorCode::aborted);
  EXPECT_EQ(store_.release(zombie.lease()).error().code, ErrorCode::aborted);
  EXPECT_FALSE(holds(zombie.lease()));
  EXPECT_TRUE(store_.complete(owner.lease(), {}));
}

TEST_P(JobStoreContract, RefusesASecondCommit) {
  const Job job = insert();
  const ClaimedJob claimed = claim();
  ASSERT_TRUE(store_.complete(claimed.lease(), {}));
  EXPECT_EQ(store_.complete(claimed.lease(), {}).error().code, ErrorCode::aborted);
  EXPECT_EQ(store_.fail(claimed.lease(), Error{}).error().code, ErrorCode::aborted);
  EXPECT_EQ(state_of(job), JobState::succeeded);
}

TEST_P(JobStoreContract, KeepsTheErrorOfAFailedJobButNotItsDetail) {
  insert();
  const ClaimedJob claimed = claim();
  const Error error{.code = ErrorCode::storage_full,
                    .message = "no room left to store data",
                    .field = "prompt",
                    .detail = "/secret/path",
                    .retry_after_ms = 1500,
                    .retry = Retry::no,
                    .reason = ErrorReason::content_moderated};
  ASSERT_TRUE(store_.fail(claimed.lease(), error));
  const Job failed = *store_.find(claimed.job.id);
  EXPECT_EQ(failed.state, JobState::failed);
  EXPECT_EQ(failed.finished_ms, clock_.unix_ms());
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->code, ErrorCode::storage_full);
  EXPECT_EQ(failed.error->message, "no room left to store data");
  EXPECT_EQ(failed.error->field, "prompt");
  EXPECT_EQ(failed.error->reason, ErrorReason::content_moderated);
  EXPECT_EQ(failed.error->detail, "");
  EXPECT_EQ(failed.error->retry, Retry::no);
  EXPECT_EQ(failed.error->retry_after_ms, 1500);
}

TEST_P(JobStoreContract, TakesBackAReleasedJobAsIfItHadNotBeenClaimed) {
  const Job job = insert();
  ASSERT_TRUE(store_.release(claim().lease()));
  EXPECT_EQ(state_of(job), JobState::queued);
  EXPECT_EQ(store_.find(job.id)->attempt, 0);
  EXPECT_EQ(claim().job.attempt, 1);
}

TEST_P(JobStoreContract, QueuesTheJobsOfADeadWorkerOnce) {
  const Job job = insert();
  const Job other = insert();
  claim("dead");
  claim("alive");
  const auto moved = store_.rescue(Stranded::of_worker("dead"));
  ASSERT_TRUE(moved);
  ASSERT_EQ(moved->size(), 1u);
  EXPECT_EQ(moved->front().id, job.id);
  EXPECT_EQ(moved->front().state, JobState::queued);
  EXPECT_EQ(state_of(other), JobState::running);
  EXPECT_EQ(claim("new").job.attempt, 2);
}

TEST_P(JobStoreContract, FailsAJobWhoseWorkerDiedTwice) {
  const Job job = insert();
  for (int i = 0; i < 2; ++i) {
    claim("dying");
    ASSERT_TRUE(store_.rescue(Stranded::of_worker("dying")));
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
  const ClaimedJob claimed = claim("w1");
  ASSERT_TRUE(store_.rescue(Stranded::of_worker("w1")));
  EXPECT_EQ(store_.complete(claimed.lease(), {}).error().code, ErrorCode::aborted);
}

TEST_P(JobStoreContract, ANewServerTakesTheJobsOfTheLastOnesChildrenAndOfNobodyElse) {
  const Job child = insert();
  const Job stranger = insert();
  claim(std::string(kChildPrefix) + "1");
  const ClaimedJob alive = claim("standalone");
  for (int restart = 0; restart < 5; ++restart) {
    const auto moved = store_.rescue(Stranded::of_last_server());
    ASSERT_EQ(moved->size(), 1u);
    EXPECT_EQ(moved->front().id, child.id);
    EXPECT_EQ(moved->front().state, JobState::queued) << "a deploy is not held against it";
    EXPECT_EQ(claim(std::string(kChildPrefix) + "2").job.attempt, 1);
  }
  EXPECT_EQ(state_of(stranger), JobState::running);
  EXPECT_TRUE(store_.complete(alive.lease(), {}));
}

TEST_P(JobStoreContract, CancelsAQueuedJob) {
  const Job job = insert();
  EXPECT_EQ(store_.cancel(job.id)->state, JobState::cancelled);
  EXPECT_EQ(store_.find(job.id)->finished_ms, clock_.unix_ms());
  EXPECT_TRUE(nothing_to_claim());
}

TEST_P(JobStoreContract, TakesARunningJobThatIsCancelledOutOfItsWorkersHands) {
  const Job job = insert();
  const ClaimedJob claimed = claim();
  EXPECT_EQ(store_.cancel(job.id)->state, JobState::cancelled);
  EXPECT_EQ(store_.complete(claimed.lease(), {}).error().code, ErrorCode::aborted);
  EXPECT_EQ(state_of(job), JobState::cancelled);
}

TEST_P(JobStoreContract, LeavesAFinishedJobAsItIsWhenItIsCancelled) {
  const Job job = insert();
  ASSERT_TRUE(store_.complete(claim().lease(), {}));
  EXPECT_EQ(store_.cancel(job.id)->state, JobState::succeeded);
}

TEST_P(JobStoreContract, GivesAJobUpWhenAllWhoWereGivenItHave) {
  NewJob wanted = new_job();
  wanted.request_hash = "h";
  const Job job = insert(wanted);
  NewJob again = new_job();
  again.request_hash = "h";
  again.attach_since_ms = job.created_ms;
  ASSERT_EQ(insert(again).id, job.id);
  EXPECT_EQ(store_.give_up(job.id, EndedBy::client_gone)->state, JobState::queued);
  EXPECT_EQ(store_.give_up(job.id, EndedBy::client_gone)->state, JobState::cancelled);
  EXPECT_EQ(insert(again).id, again.job.id) << "who comes too late asks anew";
}

TEST_P(JobStoreContract, DoesNotCountWhoWaitedAtTheLastServer) {
  for (const bool is_running : {false, true}) {
    const Job job = insert(awaited_job(1000));
    if (is_running) claim("serve-1");
    ASSERT_TRUE(store_.rescue(Stranded::of_last_server()));
    EXPECT_EQ(state_of(job), JobState::queued) << "it is there for who asks again";
    ASSERT_EQ(insert(awaited_job(1000)).id, job.id);
    EXPECT_EQ(store_.give_up(job.id, EndedBy::client_gone)->state, JobState::cancelled);
  }
}

TEST_P(JobStoreContract, CountsWhoAsksLaterWhateverBecomesOfTheServer) {
  NewJob deferred = awaited_job(1000);
  deferred.job.deliver_by_ms = 0;
  const Job job = insert(deferred);
  ASSERT_EQ(insert(awaited_job(1000)).id, job.id);
  ASSERT_TRUE(store_.rescue(Stranded::of_last_server()));
  ASSERT_EQ(insert(awaited_job(1000)).id, job.id);
  EXPECT_EQ(store_.give_up(job.id, EndedBy::client_gone)->state, JobState::queued);
}

TEST_P(JobStoreContract, IsNeverTooLateForWhoAsksLater) {
  const Job job = insert(awaited_job(100));
  NewJob deferred = awaited_job(100);
  deferred.job.deliver_by_ms = 0;
  EXPECT_EQ(insert(deferred).id, job.id);
  EXPECT_EQ(store_.find(job.id)->deliver_by_ms, 0);
  clock_.advance_ms(100);
  EXPECT_TRUE(store_.end_overdue()->empty());
  ASSERT_TRUE(store_.rescue(Stranded::of_last_server()));
  ASSERT_EQ(insert(awaited_job(100)).id, job.id);
  EXPECT_EQ(store_.give_up(job.id, EndedBy::client_gone)->state, JobState::queued);
}

TEST_P(JobStoreContract, DoesNotGiveUpAJobThatAnotherShares) {
  const auto sharing = [this] {
    NewJob wanted = new_job();
    wanted.share_key = "s";
    return wanted;
  };
  const Job job = insert(sharing());
  ASSERT_EQ(insert(sharing()).id, job.id);
  EXPECT_EQ(store_.give_up(job.id, EndedBy::deadline)->state, JobState::queued);
}

TEST_P(JobStoreContract, GivesNoJobUpThatHasAnIdempotencyKeyOrHasEnded) {
  NewJob keyed = new_job();
  keyed.job.idempotency_key = "once";
  insert(keyed);
  EXPECT_EQ(store_.give_up(keyed.job.id, EndedBy::client_gone)->state, JobState::queued);
  ASSERT_TRUE(store_.cancel(keyed.job.id));
  const Job made = succeed("p");
  EXPECT_EQ(store_.give_up(made.id, EndedBy::client_gone)->state, JobState::succeeded);
  EXPECT_EQ(store_.give_up("none", EndedBy::client_gone).error().code, ErrorCode::not_found);
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
          const auto job = try_claim("w");
          if (!job || !*job) return;
          mine.push_back((*job)->job.id);
        }
      });
  }
  std::vector<std::string> all;
  for (const auto& mine : claimed) all.insert(all.end(), mine.begin(), mine.end());
  std::ranges::sort(all);
  EXPECT_EQ(all.size(), std::size_t{kJobs});
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

TEST_P(JobStoreContract, RemovesOldPicturesOldestFirst) {
  const Job job = succeed("old");
  clock_.advance_ms(10);
  succeed("new");
  const std::int64_t now_ms = clock_.unix_ms();
  EXPECT_EQ(archive_.remove_pictures(now_ms - 10, 10), 0);
  EXPECT_EQ(archive_.remove_pictures(now_ms + 1, 1), 1);
  EXPECT_EQ(archive_.find_picture("old").error().code, ErrorCode::not_found);
  EXPECT_TRUE(archive_.find_picture("new"));
  EXPECT_EQ(state_of(job), JobState::succeeded) << "the job stays";
}

TEST_P(JobStoreContract, FindsPicturesByTheirKeyAndTimeOldestFirst) {
  const Job first = succeed("young_id_of_the_oldest");
  const std::int64_t then_ms = clock_.unix_ms();
  clock_.advance_ms(10);
  succeed("b");
  succeed("a");
  const auto ids = [this](const PictureFilter& filter) {
    const auto found = archive_.find_pictures(filter);
    std::string text;
    for (const OwnedPicture& each : *found) text += each.picture.id.substr(0, 1);
    return text;
  };
  EXPECT_EQ(ids({}), "yab");
  EXPECT_EQ(ids({.count_max = 2}), "ya");
  EXPECT_EQ(ids({.after = "a"}), "b");
  EXPECT_EQ(ids({.after = "gone"}), "");
  EXPECT_EQ(ids({.from_ms = then_ms + 1}), "ab");
  EXPECT_EQ(ids({.until_ms = then_ms + 1}), "y");
  EXPECT_EQ(ids({.key_id = first.owner.key_id}), "yab");
  EXPECT_EQ(ids({.key_id = "another"}), "");
  const OwnedPicture oldest = archive_.find_pictures({.count_max = 1})->at(0);
  EXPECT_EQ(oldest.picture, *archive_.find_picture("young_id_of_the_oldest"));
  EXPECT_EQ(oldest.owner.team_id, first.owner.team_id);
  EXPECT_EQ(oldest.model, first.sold.model);
}

TEST_P(JobStoreContract, RemovesOnePictureAndLeavesTheOthers) {
  const Job job = succeed("p");
  succeed("q");
  ASSERT_TRUE(archive_.remove_picture("p"));
  EXPECT_EQ(archive_.remove_picture("p").error().code, ErrorCode::not_found);
  EXPECT_TRUE(archive_.find_picture("q"));
  EXPECT_TRUE(archive_.pictures(job.id)->empty());
}

TEST_P(JobStoreContract, RemovesOldJobsThatHaveEndedAndHaveNoPictures) {
  const Job with_picture = succeed("p");
  const Job cancelled = insert();
  ASSERT_TRUE(store_.cancel(cancelled.id));
  const Job queued = insert();
  const Job running = *store_.find(insert().id);
  claim();
  const std::int64_t now_ms = clock_.unix_ms();
  EXPECT_EQ(archive_.remove_jobs(now_ms, 10), 0);
  EXPECT_EQ(archive_.remove_jobs(now_ms + 1, 10), 1);
  EXPECT_EQ(store_.find(cancelled.id).error().code, ErrorCode::not_found);
  for (const Job& job : {with_picture, queued, running}) EXPECT_TRUE(store_.find(job.id));
  ASSERT_TRUE(archive_.remove_pictures(now_ms + 1, 10));
  EXPECT_EQ(archive_.remove_jobs(now_ms + 1, 10), 1);
}

TEST_P(JobStoreContract, KeepsTheInputsOfAJobUntilItHasEnded) {
  const std::string blobs[] = {std::string(64, '1'), std::string(64, '2'), std::string(64, '3')};
  NewJob wanted = new_job();
  const EditRequest edit{.pictures = std::get<PictureRequest>(wanted.payload),
                         .references = {blobs[0], blobs[1], blobs[0]},
                         .mask = blobs[2]};
  wanted.job.kind = JobKind::edits;
  wanted.payload = edit;
  ASSERT_TRUE(store_.insert(wanted));
  EXPECT_TRUE(archive_.orphans(blobs)->empty());
  const std::vector<std::string> models = {"fast"};
  constexpr JobKind kKinds[] = {JobKind::edits};
  const auto claimed =
      store_.claim({.worker_id = "w", .models = models, .kinds = kKinds, .lease_ms = 60'000});
  ASSERT_TRUE(claimed && *claimed);
  EXPECT_EQ((*claimed)->payload, JobPayload(edit));
  EXPECT_TRUE(archive_.orphans(blobs)->empty());
  ASSERT_TRUE(store_.cancel(wanted.job.id));
  EXPECT_EQ(archive_.orphans(blobs)->size(), 3u);
  EXPECT_EQ(archive_.remove_jobs(clock_.unix_ms() + 1, 10), 1);
}

TEST_P(JobStoreContract, CallsBlobsThatNoPictureHasOrphans) {
  succeed("p");  // its blob is "aa..."
  const std::string blobs[] = {std::string(64, 'a'), std::string(64, 'b')};
  EXPECT_EQ(*archive_.orphans(blobs), std::vector<std::string>{blobs[1]});
  ASSERT_TRUE(archive_.remove_pictures(clock_.unix_ms() + 1, 10));
  EXPECT_EQ(archive_.orphans(blobs)->size(), 2u);
  EXPECT_TRUE(archive_.orphans({})->empty());
}

TEST_P(JobStoreContract, KnowsSinceWhenTheLongestJobRuns) {
  EXPECT_EQ(archive_.running_since_ms(), std::numeric_limits<std::int64_t>::max());
  insert();
  insert();
  const ClaimedJob first = claim();
  const std::int64_t since_ms = clock_.unix_ms();
  clock_.advance_ms(5);
  claim();
  EXPECT_EQ(archive_.running_since_ms(), since_ms);
  ASSERT_TRUE(store_.complete(first.lease(), {}));
  EXPECT_EQ(archive_.running_since_ms(), since_ms + 5);
}

}  // namespace imagined::service
