// kill -9 between any two statements. A child process takes a job through its life (submit, claim,
// store, complete) and is killed at the beginning or the end of its n-th SQL statement, for every
// n; then a new process goes on with what it finds. Nothing that was promised may be lost, nothing
// may be there twice.
//
// Each run kills at every statement once; `--gtest_repeat=N` repeats that.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "contract/some_job.h"
#include "contract/temporary_folder.h"
#include "storage/disk/disk_blob_store.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_archive.h"
#include "storage/sqlite/sqlite_database.h"
#include "storage/sqlite/sqlite_job_store.h"
#include "storage/sqlite/sqlite_ledger_store.h"

namespace imagined::storage {
namespace {

using service::ClaimedJob;
using service::Job;
using service::JobState;

constexpr int kPictures = 2;
const SystemClock kClock;

// In the child only: statements begin and end until it is over.
int moments_left = -1;

int die_when_it_is_time(unsigned, void*, void*, void*) {
  if (moments_left >= 0 && moments_left-- == 0) ::kill(::getpid(), SIGKILL);
  return 0;
}

// SQLite calls this for every connection that is opened; nothing of ours knows of it.
int watch_statements(sqlite3* handle, const char**, const void*) {
  return sqlite3_trace_v2(handle, SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE, die_when_it_is_time,
                          nullptr);
}

struct Stores {
  explicit Stores(const std::filesystem::path& folder)
      : database(*SqliteDatabase::open(folder / "imagined.db")),
        jobs(*database, kClock),
        archive(*database),
        ledger(*database, kClock),
        blobs(*DiskBlobStore::open(folder / "blobs", kClock)) {}

  std::unique_ptr<SqliteDatabase> database;
  SqliteJobStore jobs;
  SqliteArchive archive;
  SqliteLedgerStore ledger;
  std::unique_ptr<DiskBlobStore> blobs;
};

/// What the child has been promised, told to the parent at once.
enum class Promise : char { submitted = 's', completed = 'c', cancelled = 'x' };

std::vector<service::StoredPicture> make_pictures(Stores& stores, const Job& job) {
  std::vector<service::StoredPicture> pictures;
  for (int i = 0; i < kPictures; ++i) {
    const std::string bytes = fmt::format("picture {} of {}", i, job.id);
    pictures.push_back({.id = fmt::format("{}-{}-{}", job.id, job.attempt, i),
                        .job_id = job.id,
                        .index = i,
                        .blob = *stores.blobs->put(
                            {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}),
                        .created_ms = kClock.unix_ms()});
  }
  return pictures;
}

constexpr std::int64_t kPrice = 7;

/// A job whose pictures cost something, within a quota.
service::NewJob wanted_job(std::string id, std::string idempotency_key) {
  service::NewJob wanted = some_job(kClock);
  wanted.job.id = std::move(id);
  wanted.job.idempotency_key = std::move(idempotency_key);
  wanted.reservation = {.charge = {.id = wanted.job.id,
                                   .owner = wanted.job.owner,
                                   .model = wanted.job.sold.model,
                                   .bill = {.per_picture_usd_ticks = kPrice},
                                   .pictures = kPictures,
                                   .created_ms = kClock.unix_ms()},
                        .quotas = {{.bucket = "team:default", .pictures = 100}}};
  return wanted;
}

/// One job to its end and a second one that is cancelled in a worker's hands. Does not return when
/// it is killed on the way.
void live(Stores& stores, int pipe) {
  const auto tell = [pipe](Promise promise) {
    const char byte = static_cast<char>(promise);
    if (::write(pipe, &byte, 1) != 1) ::_exit(2);
  };
  if (!stores.jobs.insert(wanted_job("first", "once"))) ::_exit(3);
  tell(Promise::submitted);
  const ClaimedJob claimed = claim_from(stores.jobs, "serve-child");
  const service::Lease leases[] = {claimed.lease()};
  if (!stores.jobs.lost(leases)->empty()) ::_exit(4);
  if (!stores.jobs.prolong(leases, 60'000)) ::_exit(5);
  if (!stores.jobs.complete(claimed.lease(), make_pictures(stores, claimed.job))) ::_exit(6);
  tell(Promise::completed);
  if (!stores.jobs.insert(wanted_job("second", "twice"))) ::_exit(7);
  claim_from(stores.jobs, "serve-child");
  if (!stores.jobs.cancel("second", service::EndedBy::customer)) ::_exit(8);
  tell(Promise::cancelled);
}

struct Outcome {
  std::string promises;
  bool killed = false;
};

/// Runs `body` in a child that is killed at a moment of it, unless it ends before.
Outcome run_and_kill(int moment, const std::function<void(int pipe)>& body) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe[0]);
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch_statements));
    moments_left = moment;
    body(pipe[1]);
    ::_exit(0);
  }
  ::close(pipe[1]);
  Outcome outcome;
  std::array<char, 16> bytes{};
  for (ssize_t count; (count = ::read(pipe[0], bytes.data(), bytes.size())) > 0;)
    outcome.promises.append(bytes.data(), static_cast<std::size_t>(count));
  ::close(pipe[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  outcome.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  EXPECT_TRUE(outcome.killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
      << "exit " << WEXITSTATUS(status);
  return outcome;
}

bool promised(const Outcome& outcome, Promise promise) {
  return outcome.promises.find(static_cast<char>(promise)) != std::string::npos;
}

std::int64_t count(Stores& stores, const char* sql) {
  auto statement = stores.database->reader().prepare(sql);
  EXPECT_TRUE(statement && *statement->step());
  return statement->integer(0);
}

/// All of a job's pictures, with their bytes, when it has succeeded; none otherwise.
void expect_whole(Stores& stores, const Job& job) {
  const auto pictures = *stores.archive.pictures(job.id);
  ASSERT_EQ(pictures.size(), job.state == JobState::succeeded ? std::size_t{kPictures} : 0u);
  for (const auto& picture : pictures) EXPECT_TRUE(stores.blobs->get(picture.blob));
}

/// The price of each job that has not ended is held, each delivered picture is paid for once.
void expect_right_books(Stores& stores) {
  EXPECT_EQ(*stores.ledger.audit(), service::LedgerAudit());
  EXPECT_EQ(count(stores,
                  "SELECT count(*) FROM jobs JOIN charges USING (id) WHERE "
                  "(state IN ('queued', 'running')) <> (outcome IS NULL)"),
            0);
  EXPECT_EQ(count(stores, "SELECT count(*) FROM charges"),
            count(stores, "SELECT count(*) FROM jobs"));
  auto balances = *stores.ledger.balances();
  EXPECT_EQ(balances["held:default"],
            kPrice * kPictures *
                count(stores, "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"));
  EXPECT_EQ(-balances["wallet:default"] - balances["held:default"],
            kPrice * count(stores, "SELECT count(*) FROM pictures"));
}

void check_and_go_on(const std::filesystem::path& folder, const Outcome& outcome) {
  Stores stores(folder);
  EXPECT_EQ(
      count(stores, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
      0);
  expect_right_books(stores);
  // What was promised is there.
  const auto first = stores.jobs.find("first");
  if (promised(outcome, Promise::submitted)) {
    ASSERT_TRUE(first);
  }
  if (first) expect_whole(stores, *first);
  if (promised(outcome, Promise::completed)) {
    EXPECT_EQ(first->state, JobState::succeeded);
  }
  if (promised(outcome, Promise::cancelled)) {
    EXPECT_EQ(stores.jobs.find("second")->state, JobState::cancelled);
  }
  // The client asks again with its idempotency key: the same job, or now the first.
  const service::NewJob again = wanted_job("again", "once");
  const auto job = stores.jobs.insert(again);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->id, first ? "first" : again.job.id);
  // The next server takes up what the child's end has left, and every job comes to its end, once.
  ASSERT_TRUE(stores.jobs.rescue(service::Stranded::of_last_server()));
  while (const auto claimed = *try_claim_from(stores.jobs, "serve-next")) {
    EXPECT_EQ(claimed->job.attempt, 1) << "the end of a server is not held against a job";
    EXPECT_TRUE(stores.jobs.complete(claimed->lease(), make_pictures(stores, claimed->job)));
  }
  EXPECT_EQ(stores.jobs.find(job->id)->state, JobState::succeeded);
  expect_whole(stores, *stores.jobs.find(job->id));
  EXPECT_EQ(count(stores, "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"), 0);
  EXPECT_EQ(count(stores, "SELECT count(*) FROM jobs WHERE idempotency_key = 'once'"), 1);
  EXPECT_EQ(count(stores, "SELECT count(*) FROM pictures"),
            kPictures * count(stores, "SELECT count(*) FROM jobs WHERE state = 'succeeded'"));
  EXPECT_EQ(count(stores, "SELECT count(*) FROM jobs WHERE lease_token <> ''"), 0);
  expect_right_books(stores);
}

TEST(Kill, BetweenAnyTwoStatementsLosesNothingAndDoesNothingTwice) {
  int kills = 0;
  for (int moment = 0; !HasFailure(); ++moment) {
    SCOPED_TRACE(fmt::format("killed at moment {}", moment));
    const TemporaryFolder folder;
    { const Stores made(folder.path()); }  // the schema has its own test
    const Outcome outcome = run_and_kill(moment, [&](int pipe) {
      Stores stores(folder.path());
      live(stores, pipe);
    });
    check_and_go_on(folder.path(), outcome);
    if (!outcome.killed) break;
    ++kills;
  }
  EXPECT_GT(kills, 60);
  RecordProperty("kills", kills);
}

TEST(Kill, InTheMiddleOfAMigrationLeavesTheOldSchemaOrTheNewOne) {
  std::ifstream dump(std::filesystem::path(IMAGINED_SOURCE_DIR) /
                     "tests/contract/data/schema1.sql");
  const std::string old_schema(std::istreambuf_iterator<char>(dump), {});
  int kills = 0;
  for (int moment = 0; !HasFailure(); ++moment) {
    SCOPED_TRACE(fmt::format("killed at moment {}", moment));
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "imagined.db";
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(handle, old_schema.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(handle);
    const Outcome outcome = run_and_kill(moment, [&](int) { const Stores stores(folder.path()); });
    Stores stores(folder.path());
    EXPECT_EQ(count(stores, "SELECT count(*) FROM jobs"), 6);
    EXPECT_EQ(count(stores, "SELECT count(*) FROM pictures"), 3);
    EXPECT_EQ(count(stores, "SELECT count(*) FROM jobs WHERE state = 'queued'"), 3);
    EXPECT_EQ(
        count(stores, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name LIKE '%2'"),
        0);
    if (!outcome.killed) break;
    ++kills;
  }
  EXPECT_GT(kills, 40);
  RecordProperty("kills", kills);
}

}  // namespace
}  // namespace imagined::storage
