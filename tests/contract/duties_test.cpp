// The duties on stores in memory, with a clock that the test moves.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "contract/some_job.h"
#include "service/maintenance/blob_sweep.h"
#include "service/maintenance/cache_expiry.h"
#include "service/maintenance/job_expiry.h"
#include "service/maintenance/lease_rescue.h"
#include "service/maintenance/picture_expiry.h"
#include "service/maintenance/temporary_files.h"
#include "storage/memory/memory_blob_store.h"
#include "storage/memory/memory_job_store.h"
#include "storage/process/process_cache_store.h"
#include "storage/process/process_job_events.h"

namespace imagined::service {
namespace {

constexpr std::int64_t kDayMs = 24 * 3'600'000;

class SilentBell final : public WorkerBell {
 public:
  void job_queued() override {}
  void job_cancelled(std::string_view) override {}
};

class DutiesTest : public testing::Test {
 protected:
  static int run(const Duty& duty) {
    const auto done = duty.run_once(std::stop_token());
    EXPECT_TRUE(done) << done.error().message;
    return *done;
  }

  std::string put(const std::string& text) {
    return *blobs_.put({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }

  ClaimedJob begin() {
    EXPECT_TRUE(jobs_.insert(some_job(clock_)));
    return claim_from(jobs_);
  }

  /// One picture with this text as its bytes.
  void finish(const ClaimedJob& claimed, const std::string& text) {
    EXPECT_TRUE(jobs_.complete(claimed.lease(), {{.id = "picture of " + text,
                                                  .job_id = claimed.job.id,
                                                  .blob = put(text),
                                                  .created_ms = clock_.unix_ms()}}));
  }

  bool is_there(const std::string& hash) { return blobs_.get(hash).has_value(); }

  ManualClock clock_;
  storage::MemoryJobStore jobs_{clock_};
  storage::MemoryBlobStore blobs_{clock_};
  storage::ProcessJobEvents events_;
  SilentBell bell_;
  JobQueue queue_{jobs_, events_, bell_};
  const Duty sweep_ = blob_sweep(jobs_, blobs_, clock_);
};

TEST_F(DutiesTest, LeaseRescueGivesTheJobOfASilentWorkerToOthers) {
  const ClaimedJob claimed = begin();
  const Duty duty = lease_rescue(queue_);
  EXPECT_EQ(run(duty), 0);
  clock_.advance_ms(60'001);
  EXPECT_EQ(run(duty), 1);
  EXPECT_EQ(claim_from(jobs_).job.id, claimed.job.id);
}

TEST_F(DutiesTest, PicturesAndTheirBytesGoWhenTheirTimeIsOver) {
  finish(begin(), "old");
  const std::string hash = put("old");
  const Duty expiry = picture_expiry(jobs_, clock_, kDayMs);
  clock_.advance_ms(kDayMs);
  EXPECT_EQ(run(expiry), 0);
  EXPECT_EQ(run(sweep_), 0) << "a row names it";
  clock_.advance_ms(1);
  EXPECT_EQ(run(expiry), 1);
  EXPECT_EQ(run(sweep_), 1);
  EXPECT_FALSE(is_there(hash));
}

TEST_F(DutiesTest, TheCacheForgetsWhatItMayNotAnswerWithAnyMore) {
  storage::ProcessCacheStore cache(clock_, 10);
  const Duty expiry = cache_expiry(cache);
  ASSERT_TRUE(cache.put({"red", "k", "job", clock_.unix_ms() + 100}));
  EXPECT_EQ(run(expiry), 0);
  clock_.advance_ms(100);
  EXPECT_EQ(run(expiry), 1);
  EXPECT_EQ(run(expiry), 0);
}

TEST_F(DutiesTest, ExpiryTakesHoweverManyThereAre) {
  const ClaimedJob claimed = begin();
  std::vector<StoredPicture> pictures(1234, {.job_id = claimed.job.id});
  for (std::size_t i = 0; i < pictures.size(); ++i) pictures[i].id = std::to_string(i);
  ASSERT_TRUE(jobs_.complete(claimed.lease(), pictures));
  EXPECT_EQ(run(picture_expiry(jobs_, clock_, kDayMs)), 1234);
}

TEST_F(DutiesTest, TheBytesOfACancelledJobGo) {
  const ClaimedJob claimed = begin();
  const std::string hash = put("never named");
  ASSERT_TRUE(jobs_.cancel(claimed.job.id));
  clock_.advance_ms(kOrphanAgeMs);
  EXPECT_EQ(run(sweep_), 0);
  clock_.advance_ms(1);
  EXPECT_EQ(run(sweep_), 1);
  EXPECT_FALSE(is_there(hash));
}

TEST_F(DutiesTest, NothingThatARunningJobMayNameGoes) {
  const std::string before = put("before any job");
  clock_.advance_ms(1);
  const ClaimedJob claimed = begin();
  const std::string hash = put("first of ten");
  clock_.advance_ms(10 * kOrphanAgeMs);
  EXPECT_EQ(run(sweep_), 1);
  EXPECT_FALSE(is_there(before));
  EXPECT_TRUE(is_there(hash)) << "its job is long at work";
  finish(claimed, "first of ten");
  EXPECT_EQ(run(sweep_), 0);
}

TEST_F(DutiesTest, OnlyOneOfTwoPicturesWithTheSameBytesGoes) {
  finish(begin(), "same");
  clock_.advance_ms(kDayMs);
  const ClaimedJob second = begin();
  ASSERT_TRUE(jobs_.complete(second.lease(), {{.id = "young",
                                               .job_id = second.job.id,
                                               .blob = put("same"),
                                               .created_ms = clock_.unix_ms()}}));
  clock_.advance_ms(kDayMs);
  EXPECT_EQ(run(picture_expiry(jobs_, clock_, kDayMs)), 1);
  EXPECT_EQ(run(sweep_), 0);
  EXPECT_TRUE(is_there(put("same")));
}

TEST_F(DutiesTest, JobsGoAfterTheirPictures) {
  const ClaimedJob claimed = begin();
  finish(claimed, "p");
  const Duty duty =
      job_expiry({.queue = queue_, .archive = jobs_, .clock = clock_, .keep_ms = kDayMs});
  clock_.advance_ms(kDayMs + 1);
  EXPECT_EQ(run(duty), 0);
  run(picture_expiry(jobs_, clock_, kDayMs));
  EXPECT_EQ(run(duty), 1);
  EXPECT_EQ(jobs_.find(claimed.job.id).error().code, ErrorCode::not_found);
}

TEST_F(DutiesTest, JobsStayWhenNobodySaysHowLong) {
  const ClaimedJob claimed = begin();
  ASSERT_TRUE(jobs_.complete(claimed.lease(), {}));
  clock_.advance_ms(10'000 * kDayMs);
  EXPECT_EQ(run(job_expiry({.queue = queue_, .archive = jobs_, .clock = clock_, .keep_ms = {}})),
            0);
  EXPECT_TRUE(jobs_.find(claimed.job.id));
}

TEST_F(DutiesTest, AnIdempotencyKeyIsFreeAfterADay) {
  NewJob wanted = some_job(clock_);
  wanted.job.idempotency_key = "once";
  const Job first = *jobs_.insert(wanted);
  const Duty duty = job_expiry({.queue = queue_, .archive = jobs_, .clock = clock_, .keep_ms = {}});
  clock_.advance_ms(kIdempotencyLifeMs);
  EXPECT_EQ(run(duty), 0);
  clock_.advance_ms(1);
  EXPECT_EQ(run(duty), 1);
  wanted.job.id = "second";
  EXPECT_EQ(jobs_.insert(wanted)->id, "second");
}

TEST_F(DutiesTest, JobsThatNobodyBeganInTimeEnd) {
  NewJob wanted = some_job(clock_);
  wanted.job.deliver_by_ms = clock_.unix_ms() + 1000;
  const Job job = *jobs_.insert(wanted);
  clock_.advance_ms(1000);
  EXPECT_EQ(run(job_expiry({.queue = queue_, .archive = jobs_, .clock = clock_, .keep_ms = {}})),
            1);
  EXPECT_EQ(jobs_.find(job.id)->state, JobState::failed);
}

TEST_F(DutiesTest, SweepsNothingThatIsNeededInAnyOrderOfEvents) {
  // Jobs that begin, store the same few bytes, end, are cancelled and expire, with sweeps between.
  std::mt19937 random(7);  // the seed is the test
  std::vector<ClaimedJob> running;
  std::map<std::string, std::vector<std::string>> stored;  // by job: texts put so far
  const Duty expiry = picture_expiry(jobs_, clock_, kDayMs);
  int swept = 0;
  for (int step = 0; step < 100'000; ++step) {
    const auto any = [&](std::size_t count) { return random() % count; };
    switch (any(8)) {
      case 0:
        if (running.size() < 5) running.push_back(begin());
        break;
      case 1:
      case 2:
        if (!running.empty()) {
          const std::string text = std::to_string(any(20));
          put(text);
          stored[running[any(running.size())].job.id].push_back(text);
        }
        break;
      case 3:
        if (!running.empty()) {  // its blobs, however long ago they were put, are there
          const ClaimedJob job = running.back();
          running.pop_back();
          std::vector<StoredPicture> pictures;
          for (const std::string& text : stored[job.job.id]) {
            const std::string hash = to_hex(sha256(text));
            ASSERT_TRUE(is_there(hash)) << "step " << step;
            pictures.push_back({.id = job.job.id + std::to_string(pictures.size()),
                                .job_id = job.job.id,
                                .blob = hash,
                                .created_ms = clock_.unix_ms()});
          }
          ASSERT_TRUE(jobs_.complete(job.lease(), pictures));
        }
        break;
      case 4:
        if (!running.empty() && any(3) == 0) {
          ASSERT_TRUE(jobs_.cancel(running.front().job.id));
          running.erase(running.begin());
        }
        break;
      case 5:
        clock_.advance_ms(static_cast<std::int64_t>(any(kOrphanAgeMs)));
        break;
      case 6:
        swept += run(sweep_);
        break;
      case 7:
        if (any(10) == 0) run(expiry);
        break;
    }
  }
  EXPECT_GT(swept, 100);
}

}  // namespace
}  // namespace imagined::service
