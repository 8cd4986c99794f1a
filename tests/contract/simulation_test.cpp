// A server's life in one thread on virtual time, thousands of times: customers, workers, limits,
// books, queue and storage are the real ones, and workers die, servers are restarted, power is
// lost, disks are full and clocks leap, all by a seed. The same seed is the same life.
//
// Each run lives 1,000 lives; `--gtest_repeat=1000` a million, each with a seed of its own.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/crypto.h"
#include "base/folder_testing.h"
#include "contract/recorded_disk.h"
#include "contract/some_job.h"
#include "service/admission/admission.h"
#include "service/maintenance/blob_sweep.h"
#include "storage/disk/disk_blob_store.h"
#include "storage/process/process_limit_store.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_archive.h"
#include "storage/sqlite/sqlite_database.h"
#include "storage/sqlite/sqlite_job_store.h"
#include "storage/sqlite/sqlite_ledger_store.h"

namespace imagined::storage {
namespace {

using service::Job;
using service::JobState;
using service::Lease;
using service::Stranded;

constexpr int kSteps = 30;
constexpr int kStepsUnchecked = 5;
constexpr int kLivesPerFirstStart = 10;  // of these one begins without a database
constexpr std::int64_t kPrice = 7;
constexpr std::int64_t kPicturesPerDay = 37;
constexpr std::int64_t kPerSecond = 3;
constexpr std::int64_t kPerMinute = 12;
constexpr std::int64_t kLeaseMs = 60'000;
constexpr std::int64_t kDayMs = 24 * 3'600'000;

/// A database in which nothing has happened yet. Making its tables costs more than all that happens
/// in a life.
const std::filesystem::path& empty_database() {
  static const TestFolder folder{memory_folder()};
  static const std::filesystem::path file = [] {
    std::filesystem::path made = folder.path() / "imagined.db";
    CHECK(SqliteDatabase::open(made).has_value(), "no database at {}", made.string());
    return made;
  }();
  return file;
}

/// What a process has opened; gone with it.
struct Process {
  Process(const std::filesystem::path& data, const std::filesystem::path& blobs_folder,
          const Clock& clock)
      : database(*SqliteDatabase::open(data / "imagined.db")),
        jobs(*database, clock),
        archive(*database),
        ledger(*database, clock, "secret"),
        blobs(*DiskBlobStore::open(blobs_folder, clock)),
        limits(clock),
        admission(limits, clock, {.per_second = kPerSecond, .per_minute = kPerMinute}) {}

  std::unique_ptr<SqliteDatabase> database;
  SqliteJobStore jobs;
  SqliteArchive archive;
  SqliteLedgerStore ledger;
  std::unique_ptr<DiskBlobStore> blobs;
  ProcessLimitStore limits;
  service::Admission admission;
};

class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(seed) {
    auto data = std::make_unique<TestFolder>(memory_folder());
    if (any(kLivesPerFirstStart) != 0)
      std::filesystem::copy_file(empty_database(), data->path() / "imagined.db");
    move_in(std::move(data));
  }

  /// The trace of it.
  std::string live() {
    for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
      clock_.advance_ms(any(2'000));
      take_a_step();
      if (step % kStepsUnchecked == 0) check();
    }
    check();
    if (testing::Test::HasFailure()) ADD_FAILURE() << "after this life:\n" << trace_;
    return to_hex(sha256(trace_));
  }

 private:
  struct Known {
    std::string key;
    std::int64_t pictures = 0;
    std::optional<JobState> end;  // that was told
  };

  std::int64_t any(std::int64_t count) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(count));
  }
  template <class Things>
  const auto& one_of(const Things& things) {
    return *std::next(things.begin(), any(std::ssize(things)));
  }
  void note(std::string_view word, std::string_view what = {}) {
    trace_ += fmt::format("{} {} {}\n", clock_.unix_ms(), word, what);
  }

  void take_a_step() {
    switch (any(20)) {
      case 0:
        return worker_dies();
      case 1:
        return server_restarts();
      case 2:
        return power_is_lost();
      case 3:
        return clock_leaps();
      case 4:
        return cancel();
      case 5:
        return sweep();
      case 6:
        return disk_is_full();
      case 7:
      case 8:
      case 9:
      case 10:
        return claim();
      case 11:
      case 12:
      case 13:
        return finish();
      default:
        return order();
    }
  }

  void order() {
    const std::string key = fmt::format("key{}", any(2));
    const service::Caller caller{.owner = {.key_id = key},
                                 .allowance = {.pictures_per_day = kPicturesPerDay}};
    const auto admitted = process_->admission.admit(caller, "fast");
    ASSERT_TRUE(admitted);
    ASSERT_EQ(!admitted->refusal, may_pass(key)) << "the limiter and its definition differ";
    if (admitted->refusal) return note("limited", key);
    passed_[key].push_back(clock_.monotonic_ms());
    service::NewJob wanted = some_job(clock_);
    wanted.job.id = fmt::format("job{}", ++ordered_);
    wanted.job.owner = caller.owner;
    if (any(3) == 0) wanted.job.deliver_by_ms = clock_.unix_ms() + 50'000;
    const std::int64_t pictures = 1 + any(10);
    wanted.reservation =
        process_->admission.reservation(caller, {.id = wanted.job.id,
                                                 .owner = caller.owner,
                                                 .model = "fast",
                                                 .bill = {.per_picture_usd_ticks = kPrice},
                                                 .pictures = pictures,
                                                 .created_ms = clock_.unix_ms()});
    const std::int64_t spent = spent_today(key);
    const auto job = process_->jobs.insert(wanted);
    ASSERT_EQ(job.has_value(), spent + pictures <= kPicturesPerDay)
        << "a quota that was overdrawn, or refused with room";
    if (!job) return note("spent", key);
    note("ordered", job->id);
    jobs_[job->id] = {.key = key, .pictures = pictures, .end = std::nullopt};
  }

  /// The definition of the windows.
  bool may_pass(const std::string& key) const {
    const auto found = passed_.find(key);
    if (found == passed_.end()) return true;
    const auto within = [&](std::int64_t window_ms) {
      return std::ranges::count_if(
          found->second, [&](std::int64_t at) { return clock_.monotonic_ms() - at < window_ms; });
    };
    return within(1'000) < kPerSecond && within(60'000) < kPerMinute;
  }

  std::int64_t spent_today(const std::string& key) {
    return process_->ledger.spent("key:" + key, service::QuotaPeriod::day)->pictures;
  }

  void claim() {
    const std::vector<std::string> models = {"fast"};
    constexpr service::JobKind kKinds[] = {service::JobKind::pictures};
    const std::string worker = fmt::format("worker{}", any(2));
    const auto claimed = process_->jobs.claim(
        {.worker_id = worker, .models = models, .kinds = kKinds, .lease_ms = kLeaseMs});
    ASSERT_TRUE(claimed);
    if (!*claimed) return note("idle", worker);
    note("claimed", (*claimed)->job.id);
    leases_.push_back((*claimed)->lease());
  }

  /// By whoever has or once had the job.
  void finish() {
    if (leases_.empty()) return;
    const Lease lease = one_of(leases_);
    if (any(5) == 0) {
      const auto failed = process_->jobs.fail(lease, {.code = ErrorCode::internal});
      if (failed) jobs_[lease.job_id].end = JobState::failed;
      return note(failed ? "failed" : "stale", lease.job_id);
    }
    if (any(5) == 0) {
      const auto released = process_->jobs.release(lease);
      return note(released ? "released" : "stale", lease.job_id);
    }
    std::vector<service::StoredPicture> pictures;
    for (std::int64_t i = 0; i < jobs_[lease.job_id].pictures; ++i) {
      const std::string bytes = fmt::format("{} of {}", i, lease.job_id);
      pictures.push_back({.id = fmt::format("{}-{}", lease.job_id, i),
                          .job_id = lease.job_id,
                          .index = static_cast<int>(i),
                          .blob = *process_->blobs->put(
                              {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}),
                          .created_ms = clock_.unix_ms()});
    }
    const auto completed = process_->jobs.complete(lease, pictures);
    if (completed) jobs_[lease.job_id].end = JobState::succeeded;
    note(completed ? "succeeded" : "stale", lease.job_id);
  }

  void cancel() {
    if (jobs_.empty()) return;
    const std::string id = one_of(jobs_).first;
    const auto job = process_->jobs.cancel(id);
    ASSERT_TRUE(job);
    note("cancelled", to_string(job->state));
    jobs_[id].end = job->state;
  }

  void worker_dies() {
    note("dies");
    rescue(Stranded::of_worker(fmt::format("worker{}", any(2))));
  }

  void rescue(const Stranded& stranded) {
    const auto moved = process_->jobs.rescue(stranded);
    ASSERT_TRUE(moved);
    for (const Job& job : *moved) {
      note("rescued", job.id);
      if (service::is_final(job.state)) jobs_[job.id].end = job.state;
    }
  }

  void clock_leaps() {
    clock_.advance_ms(any(4) == 0 ? kDayMs : kLeaseMs + 1);
    note("leaps");
    rescue(Stranded::by_lease());
    const auto overdue = process_->jobs.end_overdue();
    ASSERT_TRUE(overdue);
    for (const Job& job : *overdue) jobs_[job.id].end = job.state;
  }

  void sweep() {
    note("sweeps");
    const auto duty = service::blob_sweep(process_->archive, *process_->blobs, clock_);
    ASSERT_TRUE(duty.run_once({}));
  }

  /// SQLite is told that there is no room, for one order.
  void disk_is_full() {
    note("full");
    Connection& connection = process_->database->crash_safe();
    auto limit = connection.prepare("PRAGMA max_page_count = 1");
    ASSERT_TRUE(*limit->step());
    service::NewJob large = some_job(clock_);
    large.job.id = "large";
    large.payload = service::PictureRequest{
        .model = "fast", .prompt = service::Prompt::trusted(std::string(50'000, 'p'))};
    const auto refused = process_->jobs.insert(large);
    ASSERT_FALSE(refused);
    ASSERT_EQ(refused.error().code, ErrorCode::storage_full);
    auto none = connection.prepare("PRAGMA max_page_count = 1000000");
    ASSERT_TRUE(*none->step());
  }

  void server_restarts() {
    note("restarts");
    process_.reset();
    open();
    rescue(Stranded::of_last_server());
  }

  /// The machine comes back with what its disk has kept.
  void power_is_lost() {
    note("dark");
    const std::size_t moment = disk_.now();
    auto after = std::make_unique<TestFolder>(memory_folder());
    disk_.cut(moment, RecordedDisk::Luck::some, random_, after->path());
    disk_.end();
    process_.reset();
    clock_.set_origin(fmt::format("boot{}", ++boots_));
    move_in(std::move(after));
    rescue(Stranded::by_lease());
  }

  void move_in(std::unique_ptr<TestFolder> data) {
    data_ = std::move(data);
    disk_.begin(data_->path());
    open();
  }

  void open() {
    passed_.clear();  // the limits of a process are its own
    process_ = std::make_unique<Process>(data_->path(), blobs_.path(), clock_);
  }

  void check() {
    ASSERT_EQ(*process_->ledger.audit(), service::LedgerAudit());
    std::int64_t open = 0;
    std::int64_t delivered = 0;
    for (const auto& [id, known] : jobs_) {
      const auto job = process_->jobs.find(id);
      ASSERT_TRUE(job) << id << " was promised";
      if (known.end) {
        ASSERT_EQ(job->state, *known.end) << id << " had ended";
      }
      const auto pictures = *process_->archive.pictures(id);
      ASSERT_EQ(std::ssize(pictures), job->state == JobState::succeeded ? known.pictures : 0);
      for (const auto& picture : pictures) ASSERT_TRUE(process_->blobs->get(picture.blob));
      if (!service::is_final(job->state)) open += known.pictures;
      delivered += std::ssize(pictures);
    }
    auto balances = *process_->ledger.balances();
    ASSERT_EQ(balances["held:default"], open * kPrice);
    ASSERT_EQ(balances["revenue:fast"], delivered * kPrice);
    for (const char* key : {"key0", "key1"}) ASSERT_LE(spent_today(key), kPicturesPerDay);
  }

  std::mt19937_64 random_;
  ManualClock clock_;
  RecordedDisk disk_;
  const TestFolder blobs_{memory_folder()};
  std::unique_ptr<TestFolder> data_;
  std::unique_ptr<Process> process_;
  std::map<std::string, Known> jobs_;  // that a customer was promised
  std::vector<Lease> leases_;          // that were ever given
  std::map<std::string, std::vector<std::int64_t>> passed_;
  std::string trace_;
  int ordered_ = 0;
  int boots_ = 0;
};

TEST(Simulation, OfAServersLifeBreaksNoPromise) {
  constexpr int kLives = 1'000;
  static std::uint64_t seed = 0;  // goes on when the test is repeated
  for (int life = 0; life < kLives && !HasFailure(); ++life) {
    SCOPED_TRACE(fmt::format("seed {}", ++seed));
    Life(seed).live();
  }
}

TEST(Simulation, OfTheSameSeedIsTheSameLife) {
  std::set<std::string> traces;
  for (const std::uint64_t seed : {1, 2, 3}) {
    const std::string once = Life(seed).live();
    EXPECT_EQ(Life(seed).live(), once);
    traces.insert(once);
  }
  EXPECT_EQ(traces.size(), 3u);
}

}  // namespace
}  // namespace imagined::storage
