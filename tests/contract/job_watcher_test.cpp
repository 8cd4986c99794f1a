#include "service/jobs/job_watcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "contract/some_job.h"
#include "storage/memory/memory_job_store.h"
#include "storage/process/process_job_events.h"

namespace imagined::service {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kNever = std::chrono::hours(1);  // a tick that no test lives to see
constexpr std::chrono::seconds kPatience{20};           // only a broken test waits so long

class QuietBell final : public WorkerBell {
 public:
  std::vector<std::string> cancelled;
  void job_queued() override {}
  void job_cancelled(std::string_view job_id) override { cancelled.emplace_back(job_id); }
};

/// Counts the looks, and fails as many as it is told.
class CountingStore final : public JobStore {
 public:
  explicit CountingStore(JobStore& store) : store_(store) {}

  std::atomic<int> looks = 0;
  std::atomic<int> failures = 0;
  std::atomic<std::size_t> largest = 0;

  Result<std::vector<Job>> find_all(std::span<const std::string> ids) override {
    ++looks;
    if (ids.size() > largest) largest = ids.size();
    if (failures-- > 0) return imagined::fail(ErrorCode::unavailable, "the database is busy");
    return store_.find_all(ids);
  }
  Result<Job> insert(const NewJob& wanted) override { return store_.insert(wanted); }
  Result<std::optional<Job>> find_keyed(std::string_view team, std::string_view key,
                                        std::string_view hash) override {
    return store_.find_keyed(team, key, hash);
  }
  Result<std::optional<ClaimedJob>> claim(const Claim& claim) override {
    return store_.claim(claim);
  }
  Result<std::vector<Lease>> lost(std::span<const Lease> leases) override {
    return store_.lost(leases);
  }
  Result<void> prolong(std::span<const Lease> leases, std::int64_t lease_ms) override {
    return store_.prolong(leases, lease_ms);
  }
  std::vector<Result<void>> complete_all(std::span<const Completion> completions) override {
    return store_.complete_all(completions);
  }
  Result<void> fail(const Lease& lease, const Error& error) override {
    return store_.fail(lease, error);
  }
  Result<void> release(const Lease& lease) override { return store_.release(lease); }
  Result<Job> cancel(std::string_view job_id) override { return store_.cancel(job_id); }
  Result<Job> give_up(std::string_view job_id, EndedBy by) override {
    return store_.give_up(job_id, by);
  }
  Result<std::vector<Job>> rescue(const Stranded& stranded) override {
    return store_.rescue(stranded);
  }
  Result<std::vector<Job>> end_overdue() override { return store_.end_overdue(); }
  Result<QueuePace> pace() override { return store_.pace(); }
  Result<Job> find(std::string_view job_id) override { return store_.find(job_id); }
  Result<JobPayload> payload(std::string_view job_id) override { return store_.payload(job_id); }

 private:
  JobStore& store_;
};

class JobWatcherTest : public testing::Test {
 protected:
  void start(milliseconds tick) {
    watcher_.emplace(store_, queue_, events_, tick);
    watcher_->start();
  }

  std::string insert(std::string idempotency_key = {}) {
    NewJob wanted = some_job(clock_);
    wanted.job.idempotency_key = std::move(idempotency_key);
    return store_.insert(wanted)->id;
  }

  /// As a client that has lost the answer.
  std::string insert_again() {
    NewJob wanted = some_job(clock_);
    wanted.attach_since_ms = 0;
    return store_.insert(wanted)->id;
  }

  /// Ends a job without ringing.
  void complete(const std::string& job_id) {
    const ClaimedJob claimed = claim_from(store_);
    ASSERT_EQ(claimed.job.id, job_id);
    ASSERT_TRUE(store_.complete(claimed.lease(), {}));
  }

  struct Told {
    std::promise<Result<Job>> promise;
    std::future<Result<Job>> future = promise.get_future();

    JobWatcher::Callbacks callbacks() {
      return {.on_progress = {},
              .on_end = [this](const Result<Job>& job) { promise.set_value(job); }};
    }
    bool came() const { return future.wait_for(kPatience) == std::future_status::ready; }
    bool not_yet() const { return future.wait_for(milliseconds(0)) != std::future_status::ready; }
  };

  SystemClock clock_;
  storage::MemoryJobStore memory_{clock_};
  CountingStore store_{memory_};
  storage::ProcessJobEvents events_;
  QuietBell bell_;
  JobQueue queue_{store_, events_, bell_};
  std::optional<JobWatcher> watcher_;
};

TEST_F(JobWatcherTest, TellsAtOnceWhenTheBellRings) {
  start(kNever);
  const std::string id = insert();
  Told told;
  const auto waiter = watcher_->watch(id, told.callbacks());
  complete(id);
  events_.publish({.job_id = id});
  ASSERT_TRUE(told.came());
  EXPECT_EQ(told.future.get()->state, JobState::succeeded);
}

TEST_F(JobWatcherTest, TellsOfAJobThatHadEndedBefore) {
  start(kNever);
  const std::string id = insert();
  complete(id);
  Told told;
  const auto waiter = watcher_->watch(id, told.callbacks());
  EXPECT_TRUE(told.came());
}

TEST_F(JobWatcherTest, FindsWithinATickWhatNobodyRangFor) {
  start(milliseconds(5));
  const std::string id = insert();
  Told told;
  const auto waiter = watcher_->watch(id, told.callbacks());
  complete(id);
  EXPECT_TRUE(told.came());
}

TEST_F(JobWatcherTest, GoesOnAfterTheStoreWasBusy) {
  start(milliseconds(5));
  const std::string id = insert();
  complete(id);
  store_.failures = 3;
  Told told;
  const auto waiter = watcher_->watch(id, told.callbacks());
  EXPECT_TRUE(told.came());
}

TEST_F(JobWatcherTest, SaysThatAJobIsGone) {
  start(kNever);
  Told told;
  const auto waiter = watcher_->watch("none", told.callbacks());
  ASSERT_TRUE(told.came());
  EXPECT_EQ(told.future.get().error().code, ErrorCode::not_found);
}

TEST_F(JobWatcherTest, LooksAtAllJobsInOneQueryATick) {
  watcher_.emplace(store_, queue_, events_, milliseconds(5));
  constexpr std::size_t kJobs = 50;
  std::vector<std::string> ids;
  std::vector<Told> told(kJobs);
  std::vector<JobWatcher::Waiter> waiters;
  for (std::size_t i = 0; i < kJobs; ++i) {
    ids.push_back(insert());
    waiters.push_back(watcher_->watch(ids[i], told[i].callbacks()));
  }
  for (const std::string& id : ids) complete(id);
  watcher_->start();
  for (const Told& each : told) ASSERT_TRUE(each.came());
  EXPECT_EQ(store_.looks, 1);
  EXPECT_EQ(store_.largest, kJobs);
}

TEST_F(JobWatcherTest, AsksNothingWhileNobodyWaits) {
  start(milliseconds(1));
  const std::string id = insert();
  complete(id);
  for (int i = 0; i < 3; ++i) {
    Told told;
    const auto waiter = watcher_->watch(id, told.callbacks());
    ASSERT_TRUE(told.came());
  }
  const int looks = store_.looks;
  events_.publish({.job_id = id});
  watcher_->stop();
  EXPECT_EQ(store_.looks, looks);
}

TEST_F(JobWatcherTest, PassesProgressOn) {
  start(kNever);
  const std::string id = insert();
  std::vector<int> steps;
  const auto waiter = watcher_->watch(
      id,
      {.on_progress = [&](const JobEvent& event) { steps.push_back(event.step); }, .on_end = {}});
  for (int step = 1; step <= 3; ++step)
    events_.publish({.kind = JobEvent::Kind::progress, .job_id = id, .step = step, .steps = 3});
  EXPECT_EQ(steps, (std::vector<int>{1, 2, 3}));
}

TEST_F(JobWatcherTest, TellsNobodyWhoHasLeft) {
  start(kNever);
  const std::string id = insert();
  Told left;
  Told stays;
  const auto waiter = watcher_->watch(id, stays.callbacks());
  { const auto gone = watcher_->watch(id, left.callbacks()); }
  complete(id);
  events_.publish({.job_id = id});
  ASSERT_TRUE(stays.came());
  EXPECT_TRUE(left.not_yet());
}

TEST_F(JobWatcherTest, AWaiterThatEndsChangesNothingAboutTheJob) {
  start(kNever);
  const std::string id = insert();
  { const auto waiter = watcher_->watch(id, {}); }
  EXPECT_EQ(memory_.find(id)->state, JobState::queued);
}

TEST_F(JobWatcherTest, GivingUpCancelsAJobThatNobodyElseWaitsFor) {
  start(kNever);
  const std::string id = insert();
  auto waiter = watcher_->watch(id, {});
  EXPECT_EQ(watcher_->give_up(waiter)->state, JobState::cancelled);
  EXPECT_EQ(bell_.cancelled, std::vector<std::string>{id});
}

TEST_F(JobWatcherTest, GivingUpLeavesAJobToARetryThatHasFoundItAndDoesNotWaitYet) {
  start(kNever);
  const std::string id = insert();
  auto gone = watcher_->watch(id, {});
  ASSERT_EQ(insert_again(), id);
  EXPECT_EQ(watcher_->give_up(gone)->state, JobState::queued);
  auto retry = watcher_->watch(id, {});
  EXPECT_EQ(watcher_->give_up(retry)->state, JobState::cancelled);
}

TEST_F(JobWatcherTest, GivingUpCancelsOnlyWhenTheLastOneDoes) {
  start(kNever);
  const std::string id = insert();
  auto first = watcher_->watch(id, {});
  ASSERT_EQ(insert_again(), id);
  auto second = watcher_->watch(id, {});
  EXPECT_EQ(watcher_->give_up(first)->state, JobState::queued);
  EXPECT_EQ(watcher_->give_up(first)->state, JobState::queued) << "it has no second voice";
  EXPECT_EQ(watcher_->give_up(second)->state, JobState::cancelled);
}

TEST_F(JobWatcherTest, GivingUpLeavesAJobWithAnIdempotencyKeyToTheNextTry) {
  start(kNever);
  const std::string id = insert("once");
  auto waiter = watcher_->watch(id, {});
  EXPECT_EQ(watcher_->give_up(waiter)->state, JobState::queued);
  EXPECT_TRUE(bell_.cancelled.empty());
}

TEST_F(JobWatcherTest, GivingUpAtTheLastMomentGivesTheResult) {
  start(kNever);
  const std::string id = insert();
  auto waiter = watcher_->watch(id, {});
  complete(id);
  EXPECT_EQ(watcher_->give_up(waiter)->state, JobState::succeeded);
}

TEST_F(JobWatcherTest, TellsNobodyAfterItHasStopped) {
  start(milliseconds(1));
  const std::string id = insert();
  Told told;
  const auto waiter = watcher_->watch(id, told.callbacks());
  watcher_->stop();
  watcher_->stop();
  complete(id);
  events_.publish({.job_id = id});
  EXPECT_TRUE(told.not_yet());
}

}  // namespace
}  // namespace imagined::service
