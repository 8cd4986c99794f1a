// Jobs and the books: what is written in one commit on every way that a job may take.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/ids.h"
#include "contract/temporary_database.h"
#include "service/ports/job_store.h"
#include "service/ports/ledger_store.h"
#include "storage/memory/memory_job_store.h"
#include "storage/sqlite/sqlite_job_store.h"
#include "storage/sqlite/sqlite_ledger_store.h"

namespace imagined::service {
namespace {

struct Shop {
  std::shared_ptr<void> keeper;
  std::shared_ptr<JobStore> jobs;
  std::shared_ptr<LedgerStore> ledger;
};

Shop memory_shop(const Clock& clock) {
  const auto jobs = std::make_shared<storage::MemoryJobStore>(clock);
  return {nullptr, jobs, std::shared_ptr<LedgerStore>(jobs, &jobs->ledger())};
}

Shop sqlite_shop(const Clock& clock) {
  auto file = std::make_shared<TemporaryDatabase>();
  return {file, std::make_shared<storage::SqliteJobStore>(*file->database, clock),
          std::make_shared<storage::SqliteLedgerStore>(*file->database, clock, "secret")};
}

class JobMoney : public testing::TestWithParam<Shop (*)(const Clock&)> {
 protected:
  static constexpr std::int64_t kPrice = 10;
  static constexpr std::int64_t kPictures = 3;

  NewJob order(ChargePolicy policy = ChargePolicy::delivered_only) {
    NewJob wanted{
        .job = {.id = make_uuid(clock_),
                .owner = {.key_id = "key"},
                .sold = {.model = "fast", .bill = {.per_picture_usd_ticks = kPrice}},
                .created_ms = clock_.unix_ms()},
        .payload = PictureRequest{.model = "fast", .prompt = *Prompt::parse("a kite", 8000)},
        .queue_limit = 100,
        .request_hash = "hash"};
    wanted.reservation = Reservation{.charge = {.id = wanted.job.id,
                                                .owner = wanted.job.owner,
                                                .model = "fast",
                                                .bill = {.per_picture_usd_ticks = kPrice},
                                                .pictures = kPictures,
                                                .policy = policy,
                                                .created_ms = clock_.unix_ms()},
                                     .quotas = quotas_};
    return wanted;
  }
  Job take(ChargePolicy policy = ChargePolicy::delivered_only) {
    return *jobs_.insert(order(policy));
  }
  std::optional<ClaimedJob> claim() {
    const std::vector<std::string> models = {"fast"};
    constexpr JobKind kKinds[] = {JobKind::pictures};
    return *jobs_.claim({.worker_id = "w", .models = models, .kinds = kKinds, .lease_ms = 60'000});
  }
  std::vector<StoredPicture> pictures(const Job& job) const {
    std::vector<StoredPicture> made;
    for (int i = 0; i < kPictures; ++i)
      made.push_back({.id = job.id + std::to_string(i), .job_id = job.id, .index = i, .blob = "b"});
    return made;
  }
  std::int64_t balance(const std::string& account) { return (*ledger_.balances())[account]; }
  std::int64_t held() { return balance("held:default"); }
  std::int64_t paid() { return balance("revenue:fast"); }
  /// The one outcome that there is.
  Outcome outcome() {
    const auto usage = *ledger_.usage({});
    EXPECT_EQ(usage.size(), 1u);
    return usage.at(0).outcome;
  }

  ManualClock clock_;
  std::vector<Quota> quotas_;
  Shop shop_{GetParam()(clock_)};
  JobStore& jobs_ = *shop_.jobs;
  LedgerStore& ledger_ = *shop_.ledger;
};
INSTANTIATE_TEST_SUITE_P(Memory, JobMoney, testing::Values(&memory_shop));
INSTANTIATE_TEST_SUITE_P(Sqlite, JobMoney, testing::Values(&sqlite_shop));

TEST_P(JobMoney, IsHeldWhenAJobIsTakenAndPaidWhenItIsDelivered) {
  take();
  EXPECT_EQ(held(), 30);
  const ClaimedJob claimed = *claim();
  EXPECT_EQ(held(), 30);
  ASSERT_TRUE(jobs_.complete(claimed.lease(), pictures(claimed.job)));
  EXPECT_EQ(held(), 0);
  EXPECT_EQ(paid(), 30);
  EXPECT_EQ(outcome(), Outcome::delivered);
}

TEST_P(JobMoney, IsGivenBackWhenTheEngineFails) {
  take();
  ASSERT_TRUE(jobs_.fail(claim()->lease(), {.code = ErrorCode::internal}));
  EXPECT_EQ(held() + paid(), 0);
  EXPECT_EQ(outcome(), Outcome::engine_failed);
}

TEST_P(JobMoney, StaysHeldWhileAJobGoesBackToTheQueue) {
  take();
  ASSERT_TRUE(jobs_.release(claim()->lease()));
  EXPECT_EQ(held(), 30);
}

TEST_P(JobMoney, IsGivenBackWhenTheWorkerHasDiedTooOften) {
  take();
  for (int life = 0; life < kAttemptsMax; ++life) {
    EXPECT_EQ(held(), 30);
    ASSERT_TRUE(claim());
    ASSERT_TRUE(jobs_.rescue(Stranded::of_worker("w")));
  }
  EXPECT_EQ(held() + paid(), 0);
  EXPECT_EQ(outcome(), Outcome::worker_lost);
}

TEST_P(JobMoney, IsGivenBackWhenNobodyBeginsInTime) {
  NewJob wanted = order();
  wanted.job.deliver_by_ms = clock_.unix_ms() + 10;
  ASSERT_TRUE(jobs_.insert(wanted));
  clock_.advance_ms(10);
  ASSERT_TRUE(jobs_.end_overdue());
  EXPECT_EQ(held() + paid(), 0);
  EXPECT_EQ(outcome(), Outcome::timed_out);
}

TEST_P(JobMoney, IsGivenBackForAJobThatIsCancelled) {
  const Job job = take();
  ASSERT_TRUE(jobs_.cancel(job.id));
  ASSERT_TRUE(jobs_.cancel(job.id));  // twice is harmless
  EXPECT_EQ(held() + paid(), 0);
  EXPECT_EQ(outcome(), Outcome::cancelled_queued);
}

TEST_P(JobMoney, IsKeptForAbandonedWorkWhereThatIsThePolicy) {
  const Job job = take(ChargePolicy::work_done);
  ASSERT_TRUE(claim());
  ASSERT_TRUE(jobs_.give_up(job.id, EndedBy::client_gone));
  EXPECT_EQ(held(), 0);
  EXPECT_EQ(paid(), 30);
  EXPECT_EQ(outcome(), Outcome::client_gone_running);
}

TEST_P(JobMoney, TakesNoJobOverAQuotaAndNoQuotaForAJobThatIsNotTaken) {
  quotas_ = {{.bucket = "key:key", .pictures = 5}};
  take();
  const auto refused = jobs_.insert(order());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, ErrorReason::insufficient_quota);
  EXPECT_EQ(held(), 30);
  NewJob crowded = order();
  crowded.queue_limit = 1;
  quotas_.clear();
  EXPECT_FALSE(jobs_.insert(crowded));
  EXPECT_EQ(ledger_.spent("key:key", QuotaPeriod::day)->pictures, 3);
  ASSERT_TRUE(claim());
  EXPECT_FALSE(claim());
}

TEST_P(JobMoney, IsNotTakenTwiceForOneIdempotencyKey) {
  NewJob first = order();
  first.job.idempotency_key = "once";
  NewJob second = order();
  second.job.idempotency_key = "once";
  const Job job = *jobs_.insert(first);
  EXPECT_EQ(jobs_.insert(second)->id, job.id);
  EXPECT_EQ(held(), 30);
}

TEST_P(JobMoney, IsNotTakenAgainFromAClientThatLostTheAnswer) {
  const Job job = take();
  NewJob again = order();
  again.attach_since_ms = clock_.unix_ms() - 1;
  EXPECT_EQ(jobs_.insert(again)->id, job.id);
  const ClaimedJob claimed = *claim();
  ASSERT_TRUE(jobs_.complete(claimed.lease(), pictures(claimed.job)));
  EXPECT_EQ(jobs_.insert(again)->id, job.id);
  EXPECT_EQ(held() + paid(), 30);
}

TEST_P(JobMoney, IsTakenAnewWhereTheFirstAskingHadAnIdempotencyKeyAndTheSecondHasNone) {
  NewJob keyed = order();
  keyed.job.idempotency_key = "once";
  const Job job = *jobs_.insert(keyed);
  NewJob again = order();
  again.attach_since_ms = clock_.unix_ms();
  EXPECT_NE(jobs_.insert(again)->id, job.id);
}

TEST_P(JobMoney, IsTakenAnewFromAnotherKeyForAnotherRequestLaterOrAfterAFailure) {
  const Job job = take();
  NewJob again = order();
  again.attach_since_ms = clock_.unix_ms();
  NewJob other_key = again;
  other_key.job.id = other_key.reservation->charge.id = "other key";
  other_key.job.owner.key_id = "another";
  EXPECT_NE(jobs_.insert(other_key)->id, job.id);
  NewJob other_request = again;
  other_request.job.id = other_request.reservation->charge.id = "other request";
  other_request.request_hash = "another";
  EXPECT_NE(jobs_.insert(other_request)->id, job.id);
  NewJob later = again;
  later.job.id = later.reservation->charge.id = "later";
  later.attach_since_ms = clock_.unix_ms() + 1;
  EXPECT_NE(jobs_.insert(later)->id, job.id);
  ASSERT_TRUE(jobs_.cancel("later"));
  ASSERT_TRUE(jobs_.cancel(job.id));
  EXPECT_EQ(jobs_.insert(again)->id, again.job.id);
}

TEST_P(JobMoney, IsNotHeldForMoreJobsAtOnceThanAKeyMayHave) {
  NewJob second = order();
  second.in_flight_max = 1;
  const Job first = take();
  const auto refused = jobs_.insert(second);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "Too many requests at the same time: 1 of this key are in work and 1 are allowed.");
  EXPECT_EQ(held(), 30);
  ASSERT_TRUE(jobs_.cancel(first.id));
  EXPECT_TRUE(jobs_.insert(second));
}

// Any order of moves, with a restart of the machine among them: a price is held as long as its job
// has not ended and no longer, every delivered picture is paid for once.
TEST_P(JobMoney, IsHeldExactlyWhileAJobIsOpenInRandomSequences) {
  std::mt19937 random(5);
  const auto one_of = [&random](int count) {
    return std::uniform_int_distribution(0, count - 1)(random);
  };
  std::vector<std::string> ids;
  std::vector<Lease> leases;
  for (int i = 0; i < 250; ++i) {
    clock_.advance_ms(one_of(30'000));
    switch (one_of(7)) {
      case 0:
      case 1: {
        NewJob wanted = order();
        if (one_of(2) == 0) wanted.job.deliver_by_ms = clock_.unix_ms() + 50'000;
        if (const auto job = jobs_.insert(wanted)) ids.push_back(job->id);
        break;
      }
      case 2:
        if (const auto claimed = claim()) leases.push_back(claimed->lease());
        break;
      case 3:
        if (!leases.empty()) {
          const Lease lease =
              leases[static_cast<std::size_t>(one_of(static_cast<int>(leases.size())))];
          const bool done = jobs_.complete(lease, pictures({.id = lease.job_id})).has_value();
          if (!done) (void)jobs_.fail(lease, {.code = ErrorCode::internal});
        }
        break;
      case 4:
        if (!leases.empty()) (void)jobs_.release(leases.back());
        break;
      case 5:
        if (!ids.empty()) {
          ASSERT_TRUE(
              jobs_.give_up(ids[static_cast<std::size_t>(one_of(static_cast<int>(ids.size())))],
                            EndedBy::client_gone));
        }
        break;
      default:
        if (one_of(2) == 0) clock_.set_origin(std::to_string(i));
        ASSERT_TRUE(jobs_.rescue(Stranded::by_lease()));
        ASSERT_TRUE(jobs_.end_overdue());
    }
    std::int64_t open = 0;
    std::int64_t delivered = 0;
    const auto jobs = *jobs_.find_all(ids);
    for (const Job& job : jobs) {
      open += is_final(job.state) ? 0 : 1;
      delivered += job.state == JobState::succeeded ? 1 : 0;
    }
    ASSERT_EQ(held(), open * kPictures * kPrice) << "step " << i;
    ASSERT_EQ(paid(), delivered * kPictures * kPrice) << "step " << i;
  }
  EXPECT_EQ(*ledger_.audit(), LedgerAudit());
  EXPECT_GT(paid(), 0);
}

}  // namespace
}  // namespace imagined::service
